//go:build amd64

package unwind

import (
	"errors"
	"os/exec"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A call is one that was seen while it was made: where its return address was put.
type call struct{ at, to uint64 }

// A shadow is the stack as it is by what the processor does, not by any table.
type shadow struct {
	calls []call
	last  registers
}

// see takes the registers after an instruction.
func (s *shadow) see(p *process, r registers) {
	for n := len(s.calls); n > 0 && s.calls[n-1].at < r.sp; n-- {
		s.calls = s.calls[:n-1]
	}
	// A call pushes the address of the next instruction, and goes elsewhere.
	if r.sp == s.last.sp-8 {
		to, err := p.word(r.sp)
		if err == nil && to > s.last.pc && to <= s.last.pc+8 && r.pc != to {
			s.calls = append(s.calls, call{r.sp, to})
		}
	}
	s.last = r
}

// agrees reports whether a walk found the calls that were seen.
func (s *shadow) agrees(frames []frame) bool {
	for i, c := range slices.Backward(s.calls) {
		n := len(s.calls) - 1 - i
		if n+1 >= len(frames) || frames[n].at != c.at || frames[n+1].pc != c.to {
			return false
		}
	}
	return true
}

// A tally is what the walks of a test found.
type tally struct {
	walks, calls int
	gaps         int // stacks with crti.o's _init or its like on them, which has no entry
	rules        map[CFARule]int
}

// steps walks the stack after each of n instructions. Each walk must reach the end, and
// agree with the calls that were seen.
func (all *tally) steps(t *testing.T, tr *tracee, p *process, n int) {
	t.Helper()
	s := shadow{last: tr.registers()}
	var signal unix.Signal
	for range n {
		r := tr.registers()
		s.see(p, r)
		if p.mapping(r.pc) == nil {
			p.load(t) // what was loaded meanwhile
		}
		frames, err := p.walk(r)
		switch {
		case errors.Is(err, noRule{NoEntry}):
			all.gaps++
		case err != nil:
			t.Fatalf("%s after %d frames: %v", p.where(r.pc), len(frames), err)
		case !s.agrees(frames):
			t.Fatalf("%s: walk %#x, calls seen %#x", p.where(r.pc), frames, s.calls)
		}
		all.walks++
		all.calls += len(s.calls)
		for _, f := range frames {
			all.rules[f.rule]++
		}
		if signal = tr.step(signal); signal != 0 {
			s = shadow{last: tr.registers()}
		}
	}
}

// TestWalkSteps walks the stack after each instruction of running programs: so in all
// prologues, epilogues and calls through .plt, and in OpenSSL's assembly.
func TestWalkSteps(t *testing.T) {
	first, stops, each := 20_000, 60, 300
	if testing.Short() {
		first, stops, each = 500, 5, 100
	}
	for _, command := range [][]string{
		{"openssl", "speed", "-seconds", "1", "rsa2048", "ecdsap256", "ecdhx25519"},
		{"openssl", "speed", "-seconds", "1", "-evp", "aes-256-gcm"},
		{"openssl", "speed", "-seconds", "1", "-evp", "sha256"},
		{"openssl", "speed", "-seconds", "1", "-evp", "chacha20-poly1305"},
		{"perl", "-e", `$_ = "k=v;" x 50; while (1) { for (/(\w)=(\w)/g) { $h{$_} .= sprintf("%g", sin($i++)) } %h = () }`},
		{"sh", "-c", "while :; do x=$((x + 1)); done"},
	} {
		t.Run(command[0], func(t *testing.T) {
			if _, err := exec.LookPath(command[0]); err != nil {
				t.Skip(err)
			}
			tr := trace(t, exec.Command(command[0], command[1:]...))
			p := openProcess(t, tr.pid)
			all := tally{rules: map[CFARule]int{}}
			all.steps(t, tr, p, first)
			for i := range stops {
				tr.interrupt(time.Duration(1+i*7%23) * time.Millisecond)
				all.steps(t, tr, p, each)
			}
			t.Logf("%d walks, but for %d in code without an entry, reached the end; %d return addresses were those that calls had pushed; frames by CFA rule: %v",
				all.walks, all.gaps, all.calls, all.rules)
			if all.gaps > 40 {
				t.Errorf("%d walks came to code without an entry", all.gaps)
			}
		})
	}
}

// TestWalkSignal walks out of a signal's handler, and on through what it interrupted.
func TestWalkSignal(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	tr := trace(t, exec.Command("sh", "-c", "trap : USR1; while :; do x=$((x + 1)); done"))
	tr.interrupt(100 * time.Millisecond)
	p := openProcess(t, tr.pid)
	before, err := p.walk(tr.registers())
	if err != nil {
		t.Fatal(err)
	}
	tr.step(unix.SIGUSR1)
	all := tally{rules: map[CFARule]int{}}
	all.steps(t, tr, p, 20)
	if all.rules[CFASignal] < 5 || all.rules[CFASignal] > 20 {
		t.Errorf("%d of 20 walks crossed the signal's frame", all.rules[CFASignal])
	}
	after, err := p.walk(tr.registers())
	if err != nil || len(after) == 0 || len(before) == 0 {
		t.Fatalf("%v: before %#x, after %#x", err, before, after)
	}
}
