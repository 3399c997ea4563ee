package parts

import (
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/apisixscope/apisixscope/internal/render"
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
	Colors Colors
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
	if f.Colors != NoColors && !f.faded(n) {
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
	case f.Colors == NoColors && f.Match != nil:
		return "1;4"
	case f.Colors == NoColors:
		return Plain
	}
	look := kindOf(n.Kind).look(f.Colors, f.Dark, render.Shade(n.Name))
	if f.Match != nil {
		look = "1;4;" + look
	}
	return look
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
