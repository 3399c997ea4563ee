package pages_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/tui"
	"github.com/apisixscope/apisixscope/tui/pages"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// spy is a page that tells of which state it is drawn.
type spy struct {
	tui.Page
	state *tui.State
}

func (p *spy) View(s *tui.State, z tui.Size) []string {
	p.state = s
	return p.Page.View(s, z)
}

// stateOf is what a model has of requests, workers and a profile.
func stateOf(t *testing.T, feed func(*tui.Feed)) *tui.State {
	t.Helper()
	f := tui.NewFeed()
	feed(f)
	page := &spy{Page: pages.NewRequests()}
	m := tui.New(tui.Options{Feed: f, Pages: []tui.Page{page}, Colors: true})
	m.Update(m.Init()())
	m.Update(sampled())
	time.Sleep(300 * time.Millisecond) // it draws no sooner for new data
	m.Update(tui.Overhead{})
	if page.state == nil {
		t.Fatal("the model has not drawn")
	}
	return page.state
}

func feedMall(f *tui.Feed) {
	for _, w := range crew() {
		_ = f.Worker(w) // it cannot fail
	}
	for _, x := range mall() {
		_ = f.Show(x)
	}
}

// keysOf are all keys of a page, and those that move a cursor.
func keysOf(p tui.Page) []string {
	var all []string
	for _, k := range append(p.Keys(), tui.ListKeys()...) {
		all = append(all, k.Names...)
	}
	return all
}

// TestAnySize has every page be drawn at any size, with any keys pressed in between: no line is
// wider than the page, none is too many, and nothing is obeyed that came from the wire.
func TestAnySize(t *testing.T) {
	s := stateOf(t, feedMall)
	for _, page := range pages.All() {
		keys := keysOf(page)
		for seed := range uint64(150) {
			r := rand.New(rand.NewPCG(seed, 13))
			z := tui.Size{Width: 20 + r.IntN(281), Height: 5 + r.IntN(96)}
			if page.Name() == "trace" { // the frame draws on no less than 40 columns
				z.Width = max(z.Width, 40)
			}
			s.Colors, s.Dark, s.Paused = seed%2 == 0, seed%3 == 0, seed%5 == 0
			for range r.IntN(8) {
				page.Update(s, pressOf(keys[r.IntN(len(keys))]))
			}
			page.Update(s, parts.Click{X: r.IntN(z.Width), Y: r.IntN(z.Height)})
			if b, ok := page.(tui.Backer); ok && r.IntN(4) == 0 {
				b.Back()
			}
			if q, ok := page.(tui.Searcher); ok {
				q.Search(s, []string{"", "ngx", "e", "\x1b["}[r.IntN(4)])
			}
			checkLines(t, fmt.Sprintf("%s, seed %d", page.Name(), seed), page.View(s, z), z)
		}
	}
}

func pressOf(name string) parts.KeyPress {
	if len([]rune(name)) > 1 {
		return parts.NewKeyPress(name, "")
	}
	return parts.NewKeyPress(name, name)
}

func checkLines(t *testing.T, what string, lines []string, z tui.Size) {
	t.Helper()
	if len(lines) > z.Height {
		t.Errorf("%s: %d lines on %dx%d", what, len(lines), z.Width, z.Height)
	}
	for i, line := range lines {
		if w := ansi.StringWidth(line); w > z.Width {
			t.Errorf("%s: line %d of %dx%d has %d columns: %q", what, i, z.Width, z.Height, w, line)
		}
		bare := ansi.Strip(line)
		if strings.ContainsFunc(bare, unicode.IsControl) || strings.Contains(bare, "\u202e") || strings.Contains(line, "\x1b]") || strings.Contains(line, "[98J") && !strings.Contains(line, `\x1b[98J`) && !strings.Contains(line, `\u{009b}98J`) {
			t.Errorf("%s: a terminal would obey line %d: %q", what, i, line)
		}
	}
}

// deepProfile has a tree of so many frames or a few more, in samples that come sorted.
func deepProfile(frames int) *pprof.Profile {
	r := rand.New(rand.NewPCG(15, 16))
	p := &pprof.Profile{}
	var locations []*pprof.Location
	for i := range 2000 {
		f := &pprof.Function{ID: uint64(i + 1), Name: fmt.Sprintf("function_%d", i), Filename: fmt.Sprintf("/usr/local/apisix/apisix/plugins/p%d.lua", i%50), StartLine: int64(i)}
		locations = append(locations, &pprof.Location{ID: f.ID, Mapping: &pprof.Mapping{File: "[luajit]"}, Line: []pprof.Line{{Function: f}}})
	}
	path := []*pprof.Location{locations[0]}
	for made := 0; made < frames; {
		path = slices.Clone(path[:1+r.IntN(len(path))])
		for range 1 + r.IntN(30) {
			path = append(path, locations[r.IntN(len(locations))])
			made++
		}
		s := &pprof.Sample{Value: []int64{1, 1 + r.Int64N(1e9)}, Label: map[string][]string{profile.LabelPlugin: {fmt.Sprintf("p%d", r.IntN(40))}}}
		s.Location = slices.Clone(path)
		slices.Reverse(s.Location) // the leaf is first
		p.Sample = append(p.Sample, s)
	}
	return p
}

// BenchmarkProfilePage draws a profile of 50,000 frames: one that is new, and again.
func BenchmarkProfilePage(b *testing.B) {
	both := []*pprof.Profile{deepProfile(50_000), deepProfile(50_000)}
	for _, z := range []tui.Size{{Width: 80, Height: 20}, {Width: 200, Height: 56}} {
		for name, every := range map[string]int{"new": 1, "again": 1 << 30} {
			b.Run(fmt.Sprintf("%s/%dx%d", name, z.Width, z.Height), func(b *testing.B) {
				page, s := pages.NewProfile(), &tui.State{Colors: true, Dark: true}
				i, before := 0, cpuTime()
				for b.Loop() {
					s.Profile.Profile = both[i/every%2]
					i++
					page.View(s, z)
				}
				b.ReportMetric(float64((cpuTime()-before).Microseconds())/1000/float64(i), "cpu-ms/op") // also where the machine is shared
			})
		}
	}
}

// cpuTime is for how long this process has run.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
