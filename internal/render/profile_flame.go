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

	pprof "github.com/google/pprof/profile"

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

// flameNode is a frame in one place of the tree.
type flameNode struct {
	name     string
	kind     string // a class of the style sheet
	file     string
	line     int64
	value    int64
	children map[flameKey]*flameNode
}

type flameKey struct {
	fn   *pprof.Function
	kind profile.FrameKind
	name string // of what is no function
}

func (n *flameNode) child(k flameKey, make func() *flameNode) *flameNode {
	c := n.children[k]
	if c == nil {
		c = make()
		c.children = map[flameKey]*flameNode{}
		n.children[k] = c
	}
	return c
}

// flameTree merges the stacks from the root.
func flameTree(g *profilePage) *flameNode {
	root := &flameNode{name: "all", kind: "all", children: map[flameKey]*flameNode{}}
	for _, s := range g.p.Sample {
		at := root
		at.value += s.Value[1]
		if g.apart() {
			name := g.group(s)
			at = at.child(flameKey{name: name}, func() *flameNode { return &flameNode{name: name, kind: "all"} })
			at.value += s.Value[1]
		}
		for _, l := range slices.Backward(s.Location) {
			f, kind := l.Line[0].Function, profile.KindOf(l)
			at = at.child(flameKey{fn: f, kind: kind}, func() *flameNode {
				n := &flameNode{name: f.Name, kind: string(kind), file: f.Filename, line: f.StartLine}
				if n.file == "" && l.Mapping != nil && kind == profile.FrameNative {
					n.file = l.Mapping.File
				}
				return n
			})
			at.value += s.Value[1]
		}
	}
	return root
}

// sorted returns the children, the greatest first.
func (n *flameNode) sorted() []*flameNode {
	var all []*flameNode
	for _, c := range n.children {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *flameNode) int {
		return cmp.Or(cmp.Compare(b.value, a.value), cmp.Compare(a.name, b.name), cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line), cmp.Compare(a.kind, b.kind))
	})
	return all
}

// flame draws a tree.
type flame struct {
	*bufio.Writer
	g     *profilePage
	root  *flameNode
	least int64 // frames of less are left out
	left  int   // how many those are
	depth int
}

func newFlame(w io.Writer, g *profilePage) *flame {
	f := &flame{Writer: bufio.NewWriter(w), g: g, root: flameTree(g)}
	var values []int64
	f.measure(f.root, 0, func(n *flameNode) { values = append(values, n.value) })
	if len(values) > flameFrames { // a child is never wider than its parent, so none is left alone
		slices.SortFunc(values, func(a, b int64) int { return cmp.Compare(b, a) })
		f.least = values[flameFrames] + 1
		for _, v := range values {
			if v < f.least {
				f.left++
			}
		}
	}
	f.depth = 0
	f.measure(f.root, 0, func(*flameNode) {})
	return f
}

// measure calls each for all frames that are drawn, and notes how deep they are.
func (f *flame) measure(n *flameNode, depth int, each func(*flameNode)) {
	if n.value < f.least {
		return
	}
	each(n)
	f.depth = max(f.depth, depth+1)
	for _, c := range n.children {
		f.measure(c, depth+1, each)
	}
}

func writeFlameSVG(w io.Writer, g *profilePage) error {
	f := newFlame(w, g)
	f.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	f.svg()
	return f.Flush()
}

// writeFlameHTML writes the same within a page, which may not load anything.
func writeFlameHTML(w io.Writer, g *profilePage) error {
	f := newFlame(w, g)
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
func (f *flame) frame(n *flameNode, from int64, depth int) {
	if n.value < f.least {
		return
	}
	total := max(f.root.value, 1)
	name := text.Truncate(text.Clean(n.name), flameName)
	label := name
	if isLua(profile.FrameKind(n.kind)) { // many have the same name
		label += "  " + text.Truncate(text.Clean(place(n.file, n.line)), flameName)
	}
	fmt.Fprintf(f, `<svg class="f %s t%d" x="%s%%" y="%d" width="%s%%" height="%d"><title>%s</title><rect width="100%%" height="100%%"/><text x="4" y="12.5">%s</text></svg>`+"\n",
		n.kind, shade(n.name), share4(from, total), flameHead+depth*flameRow, share4(n.value, total), flameRow-1,
		escaped(f.tooltip(n, name)), html.EscapeString(label))
	for _, c := range n.sorted() {
		f.frame(c, from, depth+1)
		from += c.value
	}
}

// tooltip is all there is to know of a frame.
func (f *flame) tooltip(n *flameNode, name string) string {
	s := fmt.Sprintf("%s — %s, %s", name, percent(float64(n.value)/float64(max(f.root.value, 1))), text.Duration(time.Duration(n.value)))
	if n.kind != "all" {
		s += ", " + kindTitle(profile.FrameKind(n.kind))
	}
	if n.file != "" {
		s += ", " + n.file
		if n.line > 0 {
			s += ":" + strconv.FormatInt(n.line, 10)
		}
	}
	return s
}

// shade is one of three, by the name, so that neighbours can be told apart.
func shade(name string) int {
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
	fmt.Fprintf(f, `<g id="head"><rect class="page" width="100%%" height="%d"/>`+"\n", flameHead-4)
	fmt.Fprintf(f, `<text class="title" x="8" y="20">%s</text><text class="said" x="8" y="38">%s</text>`+"\n", escaped(f.g.name()), escaped(said))
	x := 8
	for _, k := range flameKinds {
		title := kindTitle(k) + " " + percent(float64(own[k])/float64(max(f.root.value, 1)))
		fmt.Fprintf(f, `<g class="legend" transform="translate(%d,48)"><rect class="%s" width="12" height="12"/><text x="17" y="10.5">%s</text></g>`, x, k, escaped(title))
		x += 34 + 7*len(title)
	}
	f.WriteString("\n" + strings.TrimSpace(`
<foreignObject x="8" y="86" width="260" height="26"><input xmlns="http://www.w3.org/1999/xhtml" id="search" type="search" placeholder="search: a regular expression" aria-label="search"/></foreignObject>
<text id="matched" class="said" x="278" y="104"></text><text id="reset" class="button" x="100%" dx="-8" y="104" text-anchor="end" tabindex="0" role="button"></text>
<text id="info" x="8" y="128" aria-live="polite">click a frame to zoom; keys: arrows, Enter, Esc, / to search, n for the next match</text>`) + "\n</g>\n")
}
