package testrig

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/profile"
)

// A ProfileVerdict is what samples of a ProfileRig are worth.
type ProfileVerdict struct {
	Samples   int // of CPU time
	Rooted    int // whose stack reaches the process's start
	Errors    int // with a frame that is missing, or that are truncated
	Lua       int // with a Lua frame
	NoLua     int // with the interpreter or a trace, but no Lua frame
	Edges     int // from a Lua frame to what it called
	Troubles  map[string]int
	FalseEdge map[string]int
	Shares    []ProfileShare
}

// A ProfileShare compares a name's share of the samples with that of the truth.
type ProfileShare struct {
	Name        string
	Samples     int
	Share, True float64 // in percent
	Sigma       float64 // of sampling, in percentage points
}

// Off is how many percentage points the samples are off.
func (s ProfileShare) Off() float64 { return math.Abs(s.Share - s.True) }

// startNames are what the frame at a process's start may be called.
func isStart(f profile.Frame) bool {
	return strings.HasPrefix(f.Name, "_start") || strings.HasPrefix(f.Name, "__libc_start") || f.Name == "__clone" || f.Name == "__clone3"
}

// JudgeProfile compares samples with the truth of all kinds of work.
func JudgeProfile(samples []profile.Sample, truth map[string]time.Duration) ProfileVerdict {
	v := ProfileVerdict{Troubles: map[string]int{}, FalseEdge: map[string]int{}}
	counts := map[string]int{}
	for i := range samples {
		s := &samples[i]
		if s.Kind != profile.CPU {
			continue
		}
		v.Samples++
		v.judgeStack(s)
		if kind := kindOf(s.Stack); kind != "" {
			counts[kind]++
		}
	}
	spent := map[string]time.Duration{}
	for _, kind := range ProfileKinds() {
		spent[kind] = truth[kind]
	}
	v.Shares = ProfileShares(counts, spent)
	return v
}

func (v *ProfileVerdict) judgeStack(s *profile.Sample) {
	bad, lua, vm := s.Truncated != "", false, false
	if bad {
		v.Troubles["truncated: "+s.Truncated]++
	}
	for i := range s.Stack {
		f := &s.Stack[i]
		switch f.Kind {
		case profile.FrameMissing:
			bad = true
			v.Troubles[f.Name]++
		case profile.FrameLua, profile.FrameJIT:
			lua = true
		case profile.FrameNative:
			vm = vm || f.Name == "lj_vm"
		}
	}
	if n := len(s.Stack); n > 0 && s.Truncated == "" && isStart(s.Stack[n-1]) {
		v.Rooted++
	} else if s.Truncated == "" {
		v.Troubles["not rooted: "+lastName(s.Stack)]++
	}
	if bad {
		v.Errors++
	}
	if lua {
		v.Lua++
	} else if vm {
		v.NoLua++
	}
	for caller, called := range luaEdges(s.Stack) {
		v.Edges++
		if !isCall(caller, called) {
			v.FalseEdge[caller+" -> "+called]++
		}
	}
}

func lastName(stack []profile.Frame) string {
	if len(stack) == 0 {
		return "no frames"
	}
	return stack[len(stack)-1].Name
}

// kindOf returns which kind of work a stack is of: what clock.run has called.
func kindOf(stack []profile.Frame) string {
	for i := range stack {
		f := &stack[i]
		if f.Kind != profile.FrameLua && f.Kind != profile.FrameJIT {
			continue
		}
		if f.Name == "scheduled_body" {
			return "scheduled"
		}
		if !strings.HasSuffix(f.File, "lua/profile/work.lua") {
			continue
		}
		if _, ok := profileCalls[f.Name]; ok {
			return f.Name
		}
	}
	return ""
}

// ProfileShares compares counts with what was spent, name by name.
func ProfileShares(counts map[string]int, spent map[string]time.Duration) []ProfileShare {
	var n int
	var all time.Duration
	for name := range spent {
		n += counts[name]
		all += spent[name]
	}
	if n == 0 || all == 0 {
		return nil
	}
	var shares []ProfileShare
	for _, name := range slices.Sorted(maps.Keys(spent)) {
		s := ProfileShare{Name: name, Samples: counts[name]}
		s.Share, s.True = 100*float64(s.Samples)/float64(n), 100*float64(spent[name])/float64(all)
		s.Sigma = 100 * math.Sqrt(s.True/100*(1-s.True/100)/float64(n))
		shares = append(shares, s)
	}
	return shares
}

// Worst returns the share that is most off.
func (v *ProfileVerdict) Worst() ProfileShare {
	if len(v.Shares) == 0 {
		return ProfileShare{True: 100}
	}
	return slices.MaxFunc(v.Shares, func(a, b ProfileShare) int { return cmp.Compare(a.Off(), b.Off()) })
}

// String is a report of some lines.
func (v *ProfileVerdict) String() string {
	var b strings.Builder
	percent := func(n int) float64 { return 100 * float64(n) / float64(max(v.Samples, 1)) }
	fmt.Fprintf(&b, "%d samples: %.3f%% reach the process's start, %.3f%% have an error, %.1f%% have Lua frames; the VM without Lua frames: %d; %d Lua edges, %d false\n",
		v.Samples, percent(v.Rooted), percent(v.Errors), percent(v.Lua), v.NoLua, v.Edges, total(v.FalseEdge))
	for _, m := range []map[string]int{v.Troubles, v.FalseEdge} {
		for _, what := range slices.Sorted(maps.Keys(m)) {
			fmt.Fprintf(&b, "  %5d  %s\n", m[what], what)
		}
	}
	for _, s := range v.Shares {
		fmt.Fprintf(&b, "  %-16s true %6.2f%%  samples %6.2f%%  off %+.2f (sigma %.2f)  n=%d\n", s.Name, s.True, s.Share, s.Share-s.True, s.Sigma, s.Samples)
	}
	if len(v.Shares) > 0 {
		worst := v.Worst()
		fmt.Fprintf(&b, "  most off: %s by %.2f points, %.1f sigma\n", worst.Name, worst.Off(), worst.Off()/worst.Sigma)
	}
	return b.String()
}

func total(m map[string]int) (n int) {
	for _, c := range m {
		n += c
	}
	return n
}
