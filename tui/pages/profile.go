package pages

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"
	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/tui"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// Profile is a flame graph of what the workers used the CPU for.
type Profile struct {
	by     int            // of groupings
	of     *pprof.Profile // that tree is of
	sum    profile.Summary
	tree   *profile.Node
	root   *profile.Node // that is as wide as the screen
	zooms  []*profile.Node
	chosen *profile.Node
	up     bool // the root is at the bottom
	word   string
	match  func(*profile.Node) bool
	stats  parts.FlameStats
	rows   [][]parts.Box // as they were drawn, the root's first
	top    int           // the first row that is on the screen
	fresh  bool          // where to begin is not known yet
	held   bool          // the user has chosen: a new profile is not begun anew
	colors parts.Colors  // that the terminal has
	height int           // rows that are
	graph  int           // lines above the graph
}

// NewProfile returns the page.
func NewProfile() *Profile { return &Profile{colors: parts.TrueColors} }

// groupings are the labels that samples may be shown apart by.
var groupings = []string{"", profile.LabelPlugin, profile.LabelPhase, profile.LabelRoute}

// Name is for tui.Page.
func (p *Profile) Name() string { return "profile" }

var (
	keyZoom   = tui.Key{Names: []string{"enter"}, Shown: "Enter", Does: "have the frame fill the width; Esc zooms out", Word: "zoom in", Hint: true}
	keyFrames = tui.Key{Names: []string{"left", "right", "up", "down", "h", "l", "k", "j"}, Shown: "← → ↑ ↓", Does: "go to the frame beside, above or below"}
	keyEdge   = tui.Key{Names: []string{"home", "g"}, Shown: "Home g", Does: "go to the frame at the root"}
	keyBy     = tui.Key{Names: []string{"b"}, Does: "show samples apart by plugin, by phase, by route, or not", Word: "by plugin, phase, route", Hint: true}
	keyGroup  = tui.Key{Names: []string{"B", "shift+b"}, Shown: "B", Does: "the same backwards"}
	keyInvert = tui.Key{Names: []string{"i"}, Does: "turn it upside down", Word: "invert", Hint: true}
	keyNext   = tui.Key{Names: []string{"n"}, Does: "next match"}
	keyPrior  = tui.Key{Names: []string{"N", "shift+n"}, Shown: "N", Does: "the match before"}
	keySearch = tui.Key{Names: []string{}, Shown: "/", Does: "search for a part of a name"}
)

// Keys is for tui.Page.
func (p *Profile) Keys() []tui.Key {
	return []tui.Key{keyZoom, keyBy, keyInvert, keyFrames, keyEdge, keyGroup, keySearch, keyNext, keyPrior}
}

// Back is for tui.Backer: it leads out of a zoom, and then ends the search.
func (p *Profile) Back() bool {
	switch n := len(p.zooms); {
	case n > 0:
		p.root, p.zooms = p.zooms[n-1], p.zooms[:n-1]
	case p.word != "":
		p.word = ""
	default:
		return false
	}
	p.changed()
	return true
}

// Search is for tui.Searcher.
func (p *Profile) Search(_ *tui.State, word string) {
	p.word, p.held = word, p.held || word != ""
	p.changed()
}

// changed sums up what is to be drawn.
func (p *Profile) changed() {
	p.match = parts.Matching(p.word)
	f := parts.Flame{Root: p.root, Match: p.match}
	p.stats = f.Stats()
}

// take shows the newest profile, unless the screen is to stand still. What was chosen and zoomed
// into stays so, as far as it is there.
func (p *Profile) take(s *tui.State) {
	now := s.Profile.Profile
	if now == nil || p.of == now || s.Paused && p.of != nil {
		return
	}
	p.sum = s.Profile.Summary
	if p.of = now; !p.held { // the one before may have been a few samples
		p.root, p.chosen, p.top, p.fresh = nil, nil, 0, true
	}
	p.plant()
}

// plant makes the tree anew.
func (p *Profile) plant() {
	var group func(*pprof.Sample) string
	if by := groupings[p.by]; by != "" {
		group = func(s *pprof.Sample) string { return profile.Group(s, by) }
	}
	p.tree = profile.Tree(p.of, group)
	p.root, p.chosen = same(p.tree, p.root), same(p.tree, p.chosen)
	for i, n := range p.zooms {
		p.zooms[i] = same(p.tree, n)
	}
	if !within(p.chosen, p.root) {
		p.chosen = p.root
	}
	p.changed()
}

// same returns the node of a tree that stands where n stands in its own, or as near to it as
// there is one.
func same(tree, n *profile.Node) *profile.Node {
	if n == nil || n.Parent == nil {
		return tree
	}
	at := same(tree, n.Parent)
	if depth(at) != depth(n)-1 {
		return at
	}
	for _, c := range at.Children() {
		if c.Name == n.Name && c.Kind == n.Kind && c.File == n.File && c.Line == n.Line {
			return c
		}
	}
	return at
}

func depth(n *profile.Node) int {
	d := 0
	for ; n.Parent != nil; n = n.Parent {
		d++
	}
	return d
}

// within reports whether n is root or below it.
func within(n, root *profile.Node) bool {
	for ; n != nil; n = n.Parent {
		if n == root {
			return true
		}
	}
	return false
}

// Update is for tui.Page.
func (p *Profile) Update(_ *tui.State, msg tea.Msg) tea.Cmd {
	if colors, ok := msg.(parts.Colors); ok {
		p.colors = colors
	}
	if p.tree == nil {
		return nil
	}
	switch msg := msg.(type) {
	case parts.KeyPress:
		p.held = true
		p.key(msg)
	case parts.Click:
		p.held = true
		p.click(msg.X, msg.Y)
	case parts.Wheel:
		by := 3
		if msg.Up != p.up {
			by = -3
		}
		p.held = true
		p.top += by
	}
	return nil
}

func (p *Profile) key(k parts.KeyPress) {
	switch {
	case keyZoom.Is(k):
		p.zoom()
	case keyBy.Is(k):
		p.regroup(1)
	case keyGroup.Is(k):
		p.regroup(len(groupings) - 1)
	case keyInvert.Is(k):
		p.up = !p.up
	case keyEdge.Is(k):
		p.choose(p.root)
	case keyNext.Is(k):
		p.next(1)
	case keyPrior.Is(k):
		p.next(-1)
	default:
		p.arrow(k.String())
	}
}

func (p *Profile) arrow(key string) {
	row, column := p.at()
	deeper := key == "down" || key == "j"
	if p.up && (key == "up" || key == "k" || deeper) {
		deeper = !deeper
	}
	switch {
	case row < 0:
		p.choose(p.root)
	case key == "left" || key == "h":
		p.choose(p.rows[row][max(column-1, 0)].Node)
	case key == "right" || key == "l":
		p.choose(p.rows[row][min(column+1, len(p.rows[row])-1)].Node)
	case !deeper:
		if row > 0 {
			p.choose(p.chosen.Parent)
		}
	case row+1 < len(p.rows):
		if i := slices.IndexFunc(p.rows[row+1], func(b parts.Box) bool { return b.Node.Parent == p.chosen }); i >= 0 {
			p.choose(p.rows[row+1][i].Node)
		}
	}
}

// at is where the chosen frame was drawn: its row, and which of it; -1 for nowhere.
func (p *Profile) at() (row, column int) {
	for i, boxes := range p.rows {
		if j := slices.IndexFunc(boxes, func(b parts.Box) bool { return b.Node == p.chosen }); j >= 0 {
			return i, j
		}
	}
	return -1, -1
}

// choose moves the cursor, and what is on the screen with it.
func (p *Profile) choose(n *profile.Node) {
	p.chosen = n
	if row, _ := p.at(); row >= 0 {
		p.top = max(min(p.top, row-1), row-max(p.height-2, 0)) // the lines at the ends may say that there are more
	}
}

func (p *Profile) zoom() {
	if p.chosen == p.root || !within(p.chosen, p.root) {
		return
	}
	p.zooms = append(p.zooms, p.root)
	p.root, p.top = p.chosen, 0
	p.changed()
}

func (p *Profile) regroup(by int) {
	p.by = (p.by + by) % len(groupings)
	p.root, p.chosen, p.zooms, p.top, p.fresh, p.held = nil, nil, nil, 0, true, false
	p.plant()
}

// next goes to the next frame that matches, row by row, or to the one before.
func (p *Profile) next(by int) {
	if p.match == nil {
		return
	}
	var all []*profile.Node
	from := -1
	for _, boxes := range p.rows {
		for _, b := range boxes {
			if b.Node == p.chosen {
				from = len(all)
			}
			all = append(all, b.Node)
		}
	}
	for i := range all {
		n := all[((from+by*(i+1))%len(all)+len(all))%len(all)]
		if p.match(n) {
			p.choose(n)
			return
		}
	}
}

// click chooses the frame at a place of the page; a click on it again zooms in.
func (p *Profile) click(x, y int) {
	row := p.top + y - p.graph
	if p.up {
		row = p.top + p.height - 1 - (y - p.graph)
	}
	if y < p.graph || y >= p.graph+p.height || row < 0 || row >= len(p.rows) {
		return
	}
	for _, b := range p.rows[row] {
		if x >= b.From && x < b.To {
			if b.Node == p.chosen {
				p.zoom()
			}
			p.chosen = b.Node
		}
	}
}
