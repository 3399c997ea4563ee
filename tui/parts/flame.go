package parts

import (
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/profile"
)

// Box is where a frame is drawn: from a column to the one before To.
type Box struct {
	Node     *profile.Node
	From, To int
	start    int64 // of the root's time, what is left of the frame
}

// Flame is a graph of the frames below Root, which is as wide as the graph: a row for each
// depth, and in it each frame as wide as its share.
type Flame struct {
	Root   *profile.Node
	Chosen *profile.Node
	Match  func(*profile.Node) bool // nil while nothing is searched
	Colors bool
	Dark   bool // the terminal's background is
}

// Layout returns the frames that have a column, row by row, the root's first. A frame begins
// and ends where it would on a finer screen, rounded: it is off by less than a column.
func (f *Flame) Layout(width int) [][]Box {
	if f.Root == nil || f.Root.Cum <= 0 || width <= 0 {
		return nil
	}
	perColumn := float64(f.Root.Cum) / float64(width)
	column := func(at int64) int { return int(math.Round(float64(at) / perColumn)) }
	var all [][]Box
	for row := []Box{{f.Root, 0, width, 0}}; len(row) > 0; {
		all = append(all, row)
		var next []Box
		for _, parent := range row {
			at := parent.start
			for _, c := range parent.Node.Children() {
				box := Box{c, max(column(at), parent.From), min(column(at+c.Cum), parent.To), at}
				if box.From < box.To {
					next = append(next, box)
				}
				at += c.Cum
			}
		}
		row = next
	}
	return all
}

// Row draws a row of a layout.
func (f *Flame) Row(row []Box, width int) string {
	l := NewLine(width)
	for _, b := range row {
		l.To(b.From).Put(f.look(b.Node), f.cell(b.Node, b.To-b.From))
	}
	return l.String()
}

// cell is a frame in so many columns. Its first one tells the kind: so frames can be told
// apart where nothing is coloured. What its name leaves is filled, at least a column.
func (f *Flame) cell(n *profile.Node, width int) string {
	k := kindOf(n.Kind)
	words := k.Letter
	if width >= 4 {
		words += f.mark(n) + text.Truncate(Called(n), width-3)
	} else if width >= 2 && f.mark(n) == "*" {
		words += "*"
	}
	fill := k.fill
	if f.Colors && !f.faded(n) {
		fill = " "
	}
	if left := width - Columns(words); left > 0 {
		words += strings.Repeat(fill, left)
	}
	return words
}

// mark stands between the letter and the name.
func (f *Flame) mark(n *profile.Node) string {
	if f.Match != nil && f.Match(n) {
		return "*"
	}
	return " "
}

// faded reports that something else is searched.
func (f *Flame) faded(n *profile.Node) bool { return f.Match != nil && !f.Match(n) }

func (f *Flame) look(n *profile.Node) Look {
	switch {
	case n == f.Chosen:
		return "1;7"
	case f.faded(n):
		return Dim
	case !f.Colors && f.Match != nil:
		return "1;4"
	case !f.Colors:
		return Plain
	}
	look := kindOf(n.Kind).look(f.Dark, shade(n.Name))
	if f.Match != nil {
		look = "1;4;" + look
	}
	return look
}

// shade is one of three, by the name, so that neighbours can be told apart.
func shade(name string) int {
	var h uint32 = 2166136261 // FNV-1a
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return int(h>>16) % 3
}

// Called is a frame's name for people, and where a Lua function is: many have the same name.
func Called(n *profile.Node) string {
	name := text.Clean(n.Name)
	if n.Kind != profile.FrameLua && n.Kind != profile.FrameJIT || n.File == "" {
		return name
	}
	return name + "  " + Place(n)
}

// Place is the short name of a frame's file, and the line where its function begins; empty
// where neither is known.
func Place(n *profile.Node) string {
	switch {
	case n.File == "":
		return ""
	case n.Line > 0:
		return text.Clean(profile.ShortFile(n.File)) + ":" + strconv.FormatInt(n.Line, 10)
	case n.Kind == profile.FrameNative:
		return text.Clean(path.Base(n.File))
	}
	return text.Clean(profile.ShortFile(n.File))
}

// FrameKind is how frames of a kind are drawn.
type FrameKind struct {
	Kind   profile.FrameKind
	Letter string
	Name   string // for people
	fill   string // behind a name that is not coloured
	colors [2]rgb // of the page behind, for a light background and for a dark one
}

// FrameKinds are those that a legend has, in its order.
var FrameKinds = []FrameKind{
	{profile.FrameLua, "L", "Lua", "─", [2]rgb{{0x9f, 0xc5, 0xf2}, {0x27, 0x59, 0x8f}}},
	{profile.FrameJIT, "J", "JIT", "═", [2]rgb{{0xa3, 0xd9, 0xa5}, {0x2b, 0x6a, 0x37}}},
	{profile.FrameC, "C", "C call", "┄", [2]rgb{{0xa2, 0xda, 0xdd}, {0x1d, 0x64, 0x69}}},
	{profile.FrameNative, "N", "native", "·", [2]rgb{{0xe2, 0xd9, 0xc8}, {0x54, 0x4e, 0x42}}},
	{profile.FrameRegex, "R", "regex", "~", [2]rgb{{0xd5, 0xb8, 0xf0}, {0x63, 0x3f, 0x89}}},
	{profile.FrameKernel, "K", "kernel", "#", [2]rgb{{0xf2, 0xad, 0x95}, {0x8c, 0x42, 0x30}}},
	{profile.FrameMissing, "?", "gap", ":", [2]rgb{{0xf4, 0xdf, 0x77}, {0x75, 0x64, 0x0f}}},
}

// allFrames is the root, and a group of samples.
var allFrames = FrameKind{"", "=", "all", "=", [2]rgb{{0xd3, 0xd8, 0xdf}, {0x3d, 0x44, 0x50}}}

func kindOf(k profile.FrameKind) *FrameKind {
	for i := range FrameKinds {
		if FrameKinds[i].Kind == k {
			return &FrameKinds[i]
		}
	}
	return &allFrames
}

// Look is that of a legend.
func (k *FrameKind) Look(dark bool) Look { return k.look(dark, 0) }

type rgb [3]int

// The pages and inks that the colours are made for.
var (
	inks  = [2]rgb{{0x1b, 0x1f, 0x24}, {0xee, 0xf1, 0xf4}}
	pages = [2]rgb{{0xff, 0xff, 0xff}, {0x14, 0x17, 0x1b}}
)

// look has shades fade into the page.
func (k *FrameKind) look(dark bool, shade int) Look {
	i := 0
	if dark {
		i = 1
	}
	c := k.colors[i]
	for j := range c {
		c[j] = (c[j]*(10-shade) + pages[i][j]*shade) / 10
	}
	return "38;2;" + inks[i].look() + ";48;2;" + c.look()
}

func (c rgb) look() Look {
	return Look(strconv.Itoa(c[0]) + ";" + strconv.Itoa(c[1]) + ";" + strconv.Itoa(c[2]))
}

// FlameStats is what a graph is about.
type FlameStats struct {
	Own     map[profile.FrameKind]int64 // nanoseconds, by kind of what ran itself
	Matched int64                       // nanoseconds in which a frame that matches was on the stack
	Matches int                         // frames that do
}

// Stats sums up what is drawn, and what is too narrow for it.
func (f *Flame) Stats() FlameStats {
	s := FlameStats{Own: map[profile.FrameKind]int64{}}
	if f.Root != nil {
		f.sum(&s, f.Root, false)
	}
	return s
}

func (f *Flame) sum(s *FlameStats, n *profile.Node, below bool) {
	if n.Flat > 0 {
		s.Own[n.Kind] += n.Flat
	}
	if f.Match != nil && f.Match(n) {
		s.Matches++
		if !below { // of a recursion, the outermost is all of it
			s.Matched += n.Cum
		}
		below = true
	}
	for _, c := range n.Children() {
		f.sum(s, c, below)
	}
}

// Matching returns what finds frames by a part of what they are called, in any case; nil for
// an empty word. The root is never found: it has no name.
func Matching(word string) func(*profile.Node) bool {
	word = strings.ToLower(word)
	if word == "" {
		return nil
	}
	type named struct {
		name, file string
		line       int64
	}
	known := map[named]bool{}
	return func(n *profile.Node) bool {
		k := named{n.Name, n.File, n.Line}
		match, seen := known[k]
		if !seen {
			match = strings.Contains(strings.ToLower(Called(n)), word)
			known[k] = match
		}
		return match && n.Parent != nil
	}
}
