package profile

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	pprof "github.com/google/pprof/profile"
)

// Finding is something that a profile of CPU time shows and that can be changed.
type Finding struct {
	ID    string  // such as gc; docs/profile.md has all of them
	Share float64 // of the profile's time, from 0 to 1
	Text  string  // a sentence
}

// rule is a kind of Finding: the samples that it is about are so many that it is told.
type rule struct {
	id    string
	least float64
	about func(*stack) bool
	text  string
}

// The rules of Findings. Their order is that of docs/profile.md; a sample may be of several.
var rules = []rule{
	{"gc", 0.05, (*stack).collects, "the garbage collector of Lua: less garbage, as tables and strings in a loop, leaves it less to do"},
	{"jit_compile", 0.03, (*stack).compiles, "LuaJIT compiles traces: more than a few percent means that it aborts and flushes them again and again"},
	{"pcre", 0.05, (*stack).matches, "regular expressions (PCRE)"},
	{"regex_compile", 0.01, (*stack).compilesRegex, `regular expressions are compiled while requests wait: ngx.re keeps a compiled one with the option "o" alone`},
	{"regex_interpreted", 0.05, (*stack).interpretsRegex, `regular expressions are interpreted: ngx.re has them compiled with the option "j"`},
	{"tls", 0.05, (*stack).tls, "TLS: handshakes cost most, and sessions and kept connections save them"},
	{"crypto", 0.05, (*stack).crypto, "cryptography outside of TLS, as signatures of tokens"},
	{"kernel", 0.25, (*stack).inKernel, "the kernel, on behalf of the gateway"},
	{"incomplete", 0.01, (*stack).incomplete, "stacks that could not be told in full: what they lack is a frame in brackets, with the reason"},
}

// Findings returns what a profile of CPU time or of stalls shows, the greatest share first.
// Blocked threads show none but what could not be told.
func Findings(p *pprof.Profile) []Finding {
	total := Total(p)
	if total <= 0 {
		return nil
	}
	var out []Finding
	blocked := p.SampleType[1].Type == "delay"
	if !blocked {
		out = interpreted(p, total)
	}
	for _, r := range rules {
		if blocked && r.id != "incomplete" {
			continue
		}
		sum, by := int64(0), map[string]int64{}
		for _, s := range p.Sample {
			st := &stack{s}
			if r.about(st) {
				sum += s.Value[1]
				by[st.caller()] += s.Value[1]
			}
		}
		share := float64(sum) / float64(total)
		if share < r.least {
			continue
		}
		text := r.text
		if who := greatest(by); who != "" && 2*by[who] > sum && r.id != "incomplete" {
			text += "; most of it for " + who
		}
		out = append(out, Finding{r.id, share, text})
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return cmp.Compare(b.Share, a.Share) })
	return out
}

// interpreted finds Lua functions that are hot and never compiled. What the interpreter and
// its helpers do for a function is its own; C functions that it calls are not, for they
// would cost the same in a trace.
func interpreted(p *pprof.Profile, total int64) []Finding {
	const least, most = 0.05, 5
	own, compiled := map[*pprof.Function]int64{}, map[*pprof.Function]int64{}
	for _, s := range p.Sample {
		l := (&stack{s}).own()
		if l == nil || LabelOf(s, LabelVM) == string(VMCollect) {
			continue
		}
		f := l.Line[0].Function
		own[f] += s.Value[1]
		if KindOf(l) == FrameJIT {
			compiled[f] += s.Value[1]
		}
	}
	var out []Finding
	for f, v := range own {
		if share := float64(v) / float64(total); share >= least && compiled[f]*10 <= v {
			out = append(out, Finding{"not_compiled", share, where(f) + " is interpreted: LuaJIT does not compile it"})
		}
	}
	slices.SortFunc(out, func(a, b Finding) int { return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Text, b.Text)) })
	return out[:min(len(out), most)]
}

// where names a function and its place.
func where(f *pprof.Function) string {
	switch {
	case f.Filename == "":
		return f.Name
	case f.StartLine == 0:
		return fmt.Sprintf("%s (%s)", f.Name, ShortFile(f.Filename))
	}
	return fmt.Sprintf("%s (%s:%d)", f.Name, ShortFile(f.Filename), f.StartLine)
}

// ShortFile leaves out where Lua's libraries and APISIX are installed, and of other files all
// but the last two parts. What a by-Lua directive is named after is left whole.
func ShortFile(file string) string {
	if strings.Contains(file, "_by_lua(") {
		return file
	}
	for _, dir := range []string{"lua/5.1/", "lualib/"} {
		if rest, ok := below(file, dir); ok {
			return rest
		}
	}
	if rest, ok := below(file, "apisix/"); ok {
		return "apisix/" + rest
	}
	dir, base := path.Split(file)
	return path.Join(path.Base(dir), base)
}

func greatest(by map[string]int64) string {
	best := ""
	for _, w := range slices.Sorted(maps.Keys(by)) {
		if w != "" && (best == "" || by[w] > by[best]) {
			best = w
		}
	}
	return best
}
