package pages

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/tui"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// View is for tui.Page.
func (p *Profile) View(s *tui.State, z tui.Size) []string {
	p.take(s)
	if p.tree == nil || p.tree.Cum == 0 {
		return firstLines(append([]string{""}, p.none(s, z.Width)...), z.Height)
	}
	lines, foot := []string{p.summary(s, z.Width), p.legend(s, z.Width)}, 2
	if z.Height < 7 { // the graph and the chosen frame's name have the room
		lines, foot = nil, 1
	}
	p.graph, p.height = len(lines), max(z.Height-len(lines)-foot, 1)
	lines = append(lines, p.flame(s, z.Width)...) // what is chosen at first depends on the room
	return firstLines(append(lines, p.name(z.Width), p.shares(z.Width)), z.Height)
}

// none says why there is nothing to be seen.
func (p *Profile) none(s *tui.State, width int) []string {
	why := s.Profile.Status
	switch {
	case p.tree != nil && why != "":
		why += ": the workers have used no CPU so far"
	case p.tree != nil:
		why = "the workers used no CPU while they were sampled"
	case why == "" && s.Window.Live:
		why = "no profile yet"
	case why == "":
		why = "this recording has no profile"
	}
	return wrap(text.Clean(why), parts.Dim, width)
}

// summary tells what the samples are, or what the search has found.
func (p *Profile) summary(s *tui.State, width int) string {
	l := parts.NewLine(width)
	how := "all"
	if by := groupings[p.by]; by != "" {
		how = "by " + by
	}
	if status := s.Profile.Status; status != "" {
		how += " · " + text.Clean(status)
	}
	if p.match != nil {
		l.Put(parts.Bold, " /"+text.Truncate(text.Clean(p.word), width/3))
		if p.stats.Matches == 0 {
			l.Put(parts.Yellow, "  in no frame")
		} else {
			l.Put(parts.Plain, "  "+p.part(p.stats.Matched)+" of what is shown, in "+plural(uint64(p.stats.Matches), "frame"))
		}
		return l.Right(parts.Dim, how).String()
	}
	sum := &p.sum
	l.Put(parts.Bold, " "+text.Duration(time.Duration(p.tree.Cum))).Put(parts.Plain, " of CPU in "+text.Duration(sum.Window))
	if sum.Window > 0 {
		l.Put(parts.Plain, ", "+percent(float64(p.tree.Cum)/float64(sum.Window))+" of a core")
	}
	l.Put(parts.Dim, " · "+plural(sum.Samples, "sample"))
	lost := uint64(0)
	for _, n := range sum.Lost {
		lost += n
	}
	if lost > 0 {
		l.Put(parts.Alarm, fmt.Sprintf(" · lost %d", lost))
	}
	return l.Right(parts.Dim, how).String()
}

func plural(n uint64, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// legend tells what the letters and colours mean, and what ran itself.
func (p *Profile) legend(s *tui.State, width int) string {
	l := parts.NewLine(width)
	for i := range parts.FrameKinds {
		k := &parts.FrameKinds[i]
		own := p.stats.Own[k.Kind]
		if own == 0 && k.Kind == profile.FrameMissing {
			continue
		}
		l.Put(parts.Plain, " ").Put(k.Look(p.palette(s), s.Dark), k.Letter).Put(parts.Plain, " "+k.Name+" ").Put(parts.Dim, fmt.Sprintf("%.0f%%", 100*float64(own)/float64(max(p.root.Cum, 1))))
	}
	return l.String()
}

// palette is what frames are coloured from.
func (p *Profile) palette(s *tui.State) parts.Colors {
	if !s.Colors {
		return parts.NoColors
	}
	return p.colors
}

// part is a share of what is shown.
func (p *Profile) part(ns int64) string {
	return percent(float64(ns) / float64(max(p.root.Cum, 1)))
}

// flame draws the rows that there is room for.
func (p *Profile) flame(s *tui.State, width int) []string {
	f := parts.Flame{Root: p.root, Chosen: p.chosen, Match: p.match, Colors: p.palette(s), Dark: s.Dark}
	p.rows = f.Layout(width)
	if p.fresh {
		p.fresh = false
		p.skip(width)
		f.Chosen = p.chosen
	}
	p.top = max(min(p.top, len(p.rows)-p.height), 0)
	lines := make([]string, p.height)
	for i := range lines {
		if row := p.top + i; row < len(p.rows) {
			lines[i] = f.Row(p.rows[row], width)
		}
	}
	tell := func(at, rows int, of string) {
		lines[at] = parts.NewLine(width).Put(parts.Dim, fmt.Sprintf(" … %d more rows of %s", rows, of)).String()
	}
	if more := len(p.rows) - p.top - p.height; more > 0 && p.height > 2 {
		tell(p.height-1, more+1, "callees")
	}
	if p.top > 0 && p.height > 2 {
		tell(0, p.top+1, "callers")
	}
	if p.up {
		slices.Reverse(lines)
	}
	return lines
}

// skip scrolls over the frames that all of it has in common, such as a process's start, as far
// as there is no room for them.
func (p *Profile) skip(width int) {
	row := 0
	for row+1 < len(p.rows) && len(p.rows) > p.height {
		first := p.rows[row+1][0]
		if 10*(first.To-first.From) < 9*width {
			break
		}
		row++
	}
	if row > 1 {
		p.chosen = p.rows[row][0].Node
		p.top = row - 1
	}
}

// name tells what is chosen, and where it is.
func (p *Profile) name(width int) string {
	n := p.chosen
	l := parts.NewLine(width).Put(parts.Plain, " ")
	where := parts.Place(n)
	if n.Kind == profile.FrameNative || n.Line == 0 && n.Kind != "" {
		where = text.Clean(n.File)
	}
	name := text.Clean(n.Name)
	if room := l.Left() - parts.Columns(where) - 2; where != "" && parts.Columns(name) > room {
		name = text.Truncate(name, max(room, l.Left()/2))
	}
	return l.Put(parts.Bold, name).Put(parts.Dim, "  "+where).String()
}

// shares tells how much of the time the chosen frame has.
func (p *Profile) shares(width int) string {
	n := p.chosen
	share := func(ns int64) string {
		return percent(float64(ns)/float64(max(p.tree.Cum, 1))) + " " + text.Duration(time.Duration(ns))
	}
	words := []string{"cum " + share(n.Cum), "flat " + share(n.Flat)}
	if p.root != p.tree {
		words = append(words, p.part(n.Cum)+" of shown")
	}
	if n.Kind != "" {
		words = append(words, kindWords[n.Kind])
	}
	if k := len(p.zooms); k > 0 {
		words = append(words, "Esc zooms out")
	}
	return parts.NewLine(width).Put(parts.Plain, " "+strings.Join(words, " · ")).String()
}

// kindWords say what a kind of frames is.
var kindWords = map[profile.FrameKind]string{
	profile.FrameLua:     "Lua, interpreted",
	profile.FrameJIT:     "Lua, compiled by the JIT",
	profile.FrameC:       "a C function of Lua",
	profile.FrameNative:  "native code",
	profile.FrameRegex:   "a compiled regular expression",
	profile.FrameKernel:  "the kernel",
	profile.FrameMissing: "could not be told",
}
