package parts_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// names are of functions, those of attackers among them.
var names = []string{
	"main", "ngx_http_core_run_phases", "_M.access", "", "日本語の関数", "e\u0301tat", "\x1b[31mred", "\x1b]0;t\x07", "a\u202eb", "\xff\xfe", "tab\there", "nl\nnl",
	"👩\u200d💻", strings.Repeat("long", 100), "*", " ", "L", "K main",
}

// anyProfile has stacks of any depth and any weight.
func anyProfile(r *rand.Rand) *pprof.Profile {
	var locations []*pprof.Location
	objects := []string{"[kernel]", "[luajit]", "[luajit jit]", "[lua c]", "[pcre jit]", "[missing]", "/usr/sbin/nginx", "/x/\x1b[2J.so"}
	for i, name := range names {
		for j, object := range objects {
			f := &pprof.Function{ID: uint64(len(locations) + 1), Name: name, Filename: []string{"", "/usr/local/apisix/apisix/plugins/cors.lua", "\x1b[31m.lua"}[(i+j)%3], StartLine: int64(i * j)}
			locations = append(locations, &pprof.Location{ID: f.ID, Mapping: &pprof.Mapping{File: object}, Line: []pprof.Line{{Function: f}}})
		}
	}
	p := &pprof.Profile{}
	limit := int64(1) << r.IntN(58)
	for range 1 + r.IntN(60) {
		s := &pprof.Sample{Value: []int64{1, 1 + r.Int64N(limit)}}
		for range r.IntN(40) {
			s.Location = append(s.Location, locations[r.IntN(1+r.IntN(len(locations)))])
		}
		p.Sample = append(p.Sample, s)
	}
	return p
}

// TestFlameIsTrueToItsShares draws any profile at any size, with any look.
func TestFlameIsTrueToItsShares(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 9))
		f := parts.Flame{Root: profile.Tree(anyProfile(r), nil), Colors: parts.Colors(seed % 4), Dark: seed%3 == 0, Match: parts.Matching([]string{"", "ngx", "zzz", "L"}[seed%4])}
		for depth := r.IntN(4); depth > 0 && len(f.Root.Children()) > 0; depth-- {
			f.Root = f.Root.Children()[r.IntN(len(f.Root.Children()))]
		}
		f.Chosen = f.Root
		width := 20 + r.IntN(281)
		for depth, row := range f.Layout(width) {
			till := 0
			for _, b := range row {
				exact := float64(b.Node.Cum) / float64(f.Root.Cum) * float64(width)
				if got := float64(b.To - b.From); math.Abs(got-exact) > 1+1e-6 || b.From < till || b.To > width {
					t.Fatalf("seed %d: a frame has columns %d to %d of %d after %d: its share is %.3f columns", seed, b.From, b.To, width, till, exact)
				}
				till = b.To
			}
			line := f.Row(row, width)
			if w := ansi.StringWidth(line); w > width {
				t.Errorf("seed %d: row %d has %d columns of %d", seed, depth, w, width)
			}
			if bare := ansi.Strip(line); strings.ContainsFunc(bare, unicode.IsControl) || strings.Contains(bare, "\u202e") || text.Clean(bare) != bare {
				t.Errorf("seed %d: a terminal would obey %q", seed, bare)
			}
		}
	}
}

// TestFlameLeavesNoFrameOutThatHasAColumn compares with a drawing that tries all nodes.
func TestFlameLeavesNoFrameOutThatHasAColumn(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 11))
		f := parts.Flame{Root: profile.Tree(anyProfile(r), nil)}
		width := 20 + r.IntN(281)
		shown := map[*profile.Node]bool{}
		for _, row := range f.Layout(width) {
			for _, b := range row {
				shown[b.Node] = true
			}
		}
		var walk func(n *profile.Node)
		walk = func(n *profile.Node) {
			if exact := float64(n.Cum) / float64(f.Root.Cum) * float64(width); exact >= 1+1e-6 && !shown[n] {
				t.Fatalf("seed %d: a frame of %.2f columns is left out", seed, exact)
			}
			for _, c := range n.Children() {
				walk(c)
			}
		}
		walk(f.Root)
	}
}

func TestFlameWithoutColours(t *testing.T) {
	lua := &pprof.Mapping{File: "[luajit]"}
	at := func(id uint64, name, file string, m *pprof.Mapping) *pprof.Location {
		return &pprof.Location{ID: id, Mapping: m, Line: []pprof.Line{{Function: &pprof.Function{ID: id, Name: name, Filename: file, StartLine: 7}}}}
	}
	main, run := at(1, "main", "", nil), at(2, "日本語", "/a/apisix/x.lua", lua)
	gc, get := at(3, "lj_gc_step", "", nil), at(4, "get", "/a/apisix/y.lua", lua)
	p := &pprof.Profile{Sample: []*pprof.Sample{
		{Value: []int64{1, 50}, Location: []*pprof.Location{gc, run, main}}, {Value: []int64{1, 20}, Location: []*pprof.Location{get, main}},
		{Value: []int64{1, 10}, Location: []*pprof.Location{gc, main}}, {Value: []int64{1, 2}, Location: []*pprof.Location{main}},
	}}
	f := parts.Flame{Root: profile.Tree(p, nil)}
	draw := func() string {
		var lines []string
		for _, row := range f.Layout(41) {
			lines = append(lines, f.Row(row, 41))
		}
		return strings.Join(lines, "\n")
	}
	want := "" +
		"= all====================================\n" +
		"N main···································\n" +
		"L 日本語  apisix/x.lua:7─L get  a…─N l…·\n" +
		"N lj_gc_step·············"
	if got := draw(); got != want {
		t.Errorf("drawn\n%s\nwant\n%s", got, want)
	}
	f.Match = parts.Matching("GET")
	if got := ansi.Strip(draw()); !strings.Contains(got, "─L*get  a…─N l…·") {
		t.Errorf("what was found is not marked:\n%s", got)
	}
	if s := f.Stats(); s.Matched != 20 || s.Matches != 1 || fmt.Sprint(s.Own) != "map[luajit:20 native:62]" {
		t.Errorf("the stats are %+v", s)
	}
}

func TestStatsCountARecursionOnce(t *testing.T) {
	f := &pprof.Function{ID: 1, Name: "visit"}
	g := &pprof.Function{ID: 2, Name: "other"}
	visit, other := &pprof.Location{ID: 1, Line: []pprof.Line{{Function: f}}}, &pprof.Location{ID: 2, Line: []pprof.Line{{Function: g}}}
	p := &pprof.Profile{Sample: []*pprof.Sample{
		{Value: []int64{1, 5}, Location: []*pprof.Location{visit, other, visit, visit}}, {Value: []int64{1, 3}, Location: []*pprof.Location{other}},
	}}
	s := (&parts.Flame{Root: profile.Tree(p, nil), Match: parts.Matching("visit")}).Stats()
	if s.Matched != 5 || s.Matches != 3 {
		t.Errorf("matched %d ns in %d frames, want 5 in 3", s.Matched, s.Matches)
	}
}
