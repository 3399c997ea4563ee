package render

import (
	"bufio"
	"cmp"
	_ "embed"
	"fmt"
	"html"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/profile"
)

// What makes a flame graph move. Both have no "]]>" and no "</": they stand within SVG and
// HTML as they are.
var (
	//go:embed profile_flame.css
	flameCSS string
	//go:embed profile_flame.js
	flameJS string
)

const (
	flameRow    = 18    // pixels of a row of frames
	flameHead   = 138   // pixels above the first
	flameFrames = 20000 // frames that are drawn at most
	flameName   = 300   // columns of a name that are kept
)

// kindAll is the class of the style sheet for what is no function.
const kindAll profile.FrameKind = "all"

// tree merges the stacks, by groups if samples are shown apart.
func (g *profilePage) tree() *profile.Node {
	if g.apart() {
		return profile.Tree(g.p, g.group)
	}
	return profile.Tree(g.p, nil)
}

// flame draws a tree.
type flame struct {
	*bufio.Writer
	g     *profilePage
	root  *profile.Node
	least int64 // frames of less are left out
	left  int   // how many those are
	depth int
	most  flameBounds
	deep  bool // there are frames beyond the last row that is drawn
}

// flameBounds are how many frames are drawn at most, and how many rows of them; 0 is no limit.
type flameBounds struct{ frames, rows int }

// newFlame makes a graph. Where there is too much to draw, the frames that took least are
// left out.
func newFlame(w io.Writer, g *profilePage, most flameBounds) *flame {
	f := &flame{Writer: bufio.NewWriter(w), g: g, root: g.tree(), most: most}
	var values []int64
	f.measure(f.root, 0, func(n *profile.Node) { values = append(values, n.Cum) })
	if len(values) > most.frames { // a child is never wider than its parent, so none is left alone
		slices.SortFunc(values, func(a, b int64) int { return cmp.Compare(b, a) })
		f.least = values[most.frames] + 1
		for _, v := range values {
			if v < f.least {
				f.left++
			}
		}
	}
	f.depth, f.deep = 0, false
	f.measure(f.root, 0, func(*profile.Node) {})
	return f
}

// measure calls each for all frames that are drawn, and notes how deep they are.
func (f *flame) measure(n *profile.Node, depth int, each func(*profile.Node)) {
	if n.Cum < f.least {
		return
	}
	if f.tooDeep(depth) {
		f.deep = true
		return
	}
	each(n)
	f.depth = max(f.depth, depth+1)
	for _, c := range n.Children() {
		f.measure(c, depth+1, each)
	}
}

func (f *flame) tooDeep(depth int) bool { return f.most.rows > 0 && depth >= f.most.rows }

func writeFlameSVG(w io.Writer, g *profilePage) error {
	f := newFlame(w, g, flameBounds{frames: flameFrames})
	f.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	f.svg()
	return f.Flush()
}

// writeFlameHTML writes the same within a page, which may not load anything.
func writeFlameHTML(w io.Writer, g *profilePage) error {
	f := newFlame(w, g, flameBounds{frames: flameFrames})
	f.WriteString("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n" +
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n" +
		"<meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n")
	fmt.Fprintf(f, "<title>%s</title>\n</head>\n<body style=\"margin:0\">\n", escaped(g.name()))
	f.svg()
	f.WriteString("</body>\n</html>\n")
	return f.Flush()
}

func (f *flame) svg() {
	fmt.Fprintf(f, `<svg xmlns="http://www.w3.org/2000/svg" id="flame" width="100%%" height="%d" tabindex="0" role="group" aria-label="%s">`+"\n",
		flameHead+f.depth*flameRow+flameRow, escaped(f.g.name()))
	fmt.Fprintf(f, "<style><![CDATA[\n%s]]></style>\n", flameCSS)
	f.WriteString(`<rect class="page" width="100%" height="100%"/>` + "\n<g id=\"frames\">\n")
	f.frame(f.root, 0, 0)
	f.WriteString("</g>\n")
	f.head()
	fmt.Fprintf(f, "<script><![CDATA[\n%s]]></script>\n</svg>\n", flameJS)
}

// frame draws a frame as an SVG of its own, which clips its name, and those above it.
func (f *flame) frame(n *profile.Node, from int64, depth int) {
	if n.Cum < f.least || f.tooDeep(depth) {
		return
	}
	total := max(f.root.Cum, 1)
	name := text.Truncate(text.Clean(n.Name), flameName)
	label := name
	if isLua(n.Kind) { // many have the same name
		label += "  " + text.Truncate(text.Clean(place(n.File, n.Line)), flameName)
	}
	fmt.Fprintf(f, `<svg class="f %s t%d" x="%s%%" y="%d" width="%s%%" height="%d"><title>%s</title><rect width="100%%" height="100%%"/><text x="4" y="12.5">%s</text></svg>`+"\n",
		cmp.Or(n.Kind, kindAll), Shade(n.Name), share4(from, total), flameHead+depth*flameRow, share4(n.Cum, total), flameRow-1,
		escaped(f.tooltip(n, name)), html.EscapeString(label))
	for _, c := range n.Children() {
		f.frame(c, from, depth+1)
		from += c.Cum
	}
}

// tooltip is all there is to know of a frame.
func (f *flame) tooltip(n *profile.Node, name string) string {
	s := fmt.Sprintf("%s — %s, %s", name, percent(float64(n.Cum)/float64(max(f.root.Cum, 1))), text.Duration(time.Duration(n.Cum)))
	if n.Kind != "" {
		s += ", " + kindTitle(n.Kind)
	}
	if n.File != "" {
		s += ", " + n.File
		if n.Line > 0 {
			s += ":" + strconv.FormatInt(n.Line, 10)
		}
	}
	return s
}

// Shade is one of three, by the name, so that neighbours can be told apart.
func Shade(name string) int {
	var h uint32 = 2166136261 // FNV-1a
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return int(h>>16) % 3
}

// share4 is a percentage that is good for a place on a page of any width.
func share4(n, total int64) string {
	return strconv.FormatFloat(float64(n)*100/float64(total), 'f', 4, 64)
}

// escaped is clean, and text of HTML and of XML alike.
func escaped(s string) string { return html.EscapeString(text.Truncate(text.Clean(s), 3*flameName)) }

// kinds are those that a legend has, in its order.
var flameKinds = []profile.FrameKind{
	profile.FrameLua, profile.FrameJIT, profile.FrameC, profile.FrameNative, profile.FrameRegex, profile.FrameKernel, profile.FrameMissing,
}

func kindTitle(k profile.FrameKind) string {
	switch k {
	case profile.FrameLua:
		return "Lua, interpreted"
	case profile.FrameJIT:
		return "Lua, compiled"
	case profile.FrameC:
		return "C function of Lua"
	case profile.FrameRegex:
		return "compiled regex"
	case profile.FrameMissing:
		return "not known"
	}
	return string(k)
}

// head is what stands above the frames, and stays there when they are scrolled.
func (f *flame) head() {
	own := map[profile.FrameKind]int64{} // at the leaf
	for _, s := range f.g.p.Sample {
		own[profile.KindOf(s.Location[0])] += s.Value[1]
	}
	said := fmt.Sprintf("%s samples in %s, %s", count(f.g.sum.Samples), text.Duration(f.g.sum.Window), weighed(f.g.sum))
	if lost := losses(f.g.sum.Lost); lost != "0" {
		said += "; lost " + lost
	}
	if f.left > 0 {
		said += fmt.Sprintf("; %s frames of less than %s are not drawn", count(uint64(f.left)), text.Duration(time.Duration(f.least)))
	}
	if f.deep {
		said += fmt.Sprintf("; stacks are drawn up to row %d", f.most.rows)
	}
	fmt.Fprintf(f, `<g id="head"><rect class="page" width="100%%" height="%d"/>`+"\n", flameHead-4)
	fmt.Fprintf(f, `<text class="title" x="8" y="20">%s</text><text class="said" x="8" y="38">%s</text>`+"\n", escaped(f.g.name()), escaped(said))
	x := 8
	for _, k := range flameKinds {
		title := kindTitle(k) + " " + percent(float64(own[k])/float64(max(f.root.Cum, 1)))
		fmt.Fprintf(f, `<g class="legend" transform="translate(%d,48)"><rect class="%s" width="12" height="12"/><text x="17" y="10.5">%s</text></g>`, x, k, escaped(title))
		x += 34 + 7*len(title)
	}
	f.WriteString("\n" + strings.TrimSpace(`
<foreignObject x="8" y="86" width="260" height="26"><input xmlns="http://www.w3.org/1999/xhtml" id="search" type="search" placeholder="search: a regular expression" aria-label="search"/></foreignObject>
<text id="matched" class="said" x="278" y="104"></text><text id="reset" class="button" x="100%" dx="-8" y="104" text-anchor="end" tabindex="0" role="button"></text>
<text id="info" x="8" y="128" aria-live="polite">click a frame to zoom; keys: arrows, Enter, Esc, / to search, n for the next match</text>`) + "\n</g>\n")
}
