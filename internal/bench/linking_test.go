package bench

import (
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// TestBenchLinking tells, for every kind of request, how many attempts were linked to the
// right request and connection: with probes, without, and where the gateway's structs are
// not known.
func TestBenchLinking(t *testing.T) {
	needBench(t)
	program := build(t)
	for _, m := range []mode{
		{name: "probes", probes: true},
		{name: "no-probes"},
		{name: "layout-unknown", binary: withoutLayout(t)},
	} {
		t.Run(m.name, func(t *testing.T) {
			v, err := runSession(t, program, m).judge()
			if err != nil {
				t.Fatalf("this run proves nothing: %v", err)
			}
			t.Logf("%s, %d connections, a reload in the middle\n%s", m.name, linkingConns, v)
			faults := v.faults()
			if len(faults) == 0 {
				return
			}
			t.Errorf("%s: %s", m.name, strings.Join(faults, "; "))
			for _, bad := range v.worst(10) {
				t.Log(bad.text)
			}
		})
	}
}

// worst returns up to n counter-examples: those that claim to be proved first, and one of
// each kind before a second of any.
func (v *verdict) worst(n int) []*counterexample {
	var worst []*counterexample
	for _, exact := range []bool{true, false} {
		byKind := map[testrig.Kind][]*counterexample{}
		for _, bad := range v.bad {
			if bad.exact == exact {
				byKind[bad.kind] = append(byKind[bad.kind], bad)
			}
		}
		for len(byKind) > 0 {
			for kind, list := range byKind {
				worst = append(worst, list[0])
				if byKind[kind] = list[1:]; len(list) == 1 {
					delete(byKind, kind)
				}
			}
		}
	}
	return worst[:min(n, len(worst))]
}
