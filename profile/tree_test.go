package profile_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
)

// cum and flat are what each stack of a profile has, spelled out from the root.
func cumFlat(p *pprof.Profile, group func(*pprof.Sample) string) (cum, flat map[string]int64) {
	cum, flat = map[string]int64{}, map[string]int64{}
	for _, s := range p.Sample {
		at := "all"
		cum[at] += s.Value[1]
		if group != nil {
			at += "\n" + group(s)
			cum[at] += s.Value[1]
		}
		for _, l := range slices.Backward(s.Location) {
			at += "\n" + l.Line[0].Function.Name + "\t" + l.Line[0].Function.Filename + "\t" + string(profile.KindOf(l))
			cum[at] += s.Value[1]
		}
		flat[at] += s.Value[1]
	}
	return cum, flat
}

func TestTreeHasEachStackOnce(t *testing.T) {
	p, _ := built(cpu(), testrig.Samples())
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 10 {
		for name, group := range map[string]func(*pprof.Sample) string{
			"all":    nil,
			"plugin": func(s *pprof.Sample) string { return profile.Group(s, profile.LabelPlugin) },
			"route":  func(s *pprof.Sample) string { return profile.Group(s, profile.LabelRoute) },
		} {
			cum, flat := map[string]int64{}, map[string]int64{}
			var walk func(n *profile.Node, at string)
			walk = func(n *profile.Node, at string) {
				if cum[at] != 0 {
					t.Errorf("%s: %q is there twice", name, at)
				}
				cum[at] = n.Cum
				if n.Flat > 0 {
					flat[at] = n.Flat
				}
				left, last := n.Cum-n.Flat, n.Cum
				for _, c := range n.Children() {
					if c.Cum > last || c.Parent != n {
						t.Errorf("%s: %q has children out of order", name, at)
					}
					last, left = c.Cum, left-c.Cum
					words := "\n" + c.Name
					if c.Kind != "" {
						file := c.File
						if c.Kind == profile.FrameNative {
							file = "" // the object's, of which the function has none
						}
						words += "\t" + file + "\t" + string(c.Kind)
					}
					walk(c, at+words)
				}
				if left != 0 {
					t.Errorf("%s: of %q, %d ns are of nobody", name, at, left)
				}
			}
			walk(profile.Tree(p, group), "all")
			wantCum, wantFlat := cumFlat(p, group)
			if !maps.Equal(cum, wantCum) || !maps.Equal(flat, wantFlat) {
				t.Fatalf("round %d, %s: the tree has %d places, want %d", round, name, len(cum), len(wantCum))
			}
		}
		r.Shuffle(len(p.Sample), func(i, j int) { p.Sample[i], p.Sample[j] = p.Sample[j], p.Sample[i] })
	}
}

func TestGroupsOfTree(t *testing.T) {
	p, _ := built(cpu(), testrig.Samples())
	for label, want := range map[string]string{
		profile.LabelWorker: "worker 4132, worker 4133",
		profile.LabelRoute:  "1 orders, (no route), 2, <script>alert(1)</script>",
	} {
		var got []string
		for _, c := range profile.Tree(p, func(s *pprof.Sample) string { return profile.Group(s, label) }).Children() {
			got = append(got, c.Name)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("by %s: %s, want %s", label, strings.Join(got, ", "), want)
		}
	}
}

// TestTreeOfStrangers has profiles be drawn that this program did not make.
func TestTreeOfStrangers(t *testing.T) {
	f := &pprof.Function{ID: 1, Name: "f"}
	odd := []*pprof.Location{{ID: 1}, {ID: 2, Line: []pprof.Line{{}}}, {ID: 3, Line: []pprof.Line{{Function: f}, {Function: f}}}}
	p := &pprof.Profile{Sample: []*pprof.Sample{
		{Value: []int64{1}, Location: odd}, {}, {Value: []int64{1, -5}, Location: odd}, {Value: []int64{1, 0}},
		{Value: []int64{1, 7}, Location: odd}, {Value: []int64{1, 2}},
	}}
	root := profile.Tree(p, nil)
	if root.Cum != 9 || root.Flat != 2 || len(root.Children()) != 1 || root.Children()[0].Name != "f" {
		t.Errorf("the root has %+v", root)
	}
	if n := root.Children()[0].Children()[0]; n.Name != "[no name]" || n.Cum != 7 || len(n.Children()) != 1 || n.Children()[0].Flat != 7 {
		t.Errorf("what has no name is %+v", n)
	}
}

func BenchmarkTree(b *testing.B) {
	p, _ := built(cpu(), testrig.Samples())
	for b.Loop() {
		profile.Tree(p, nil)
	}
}
