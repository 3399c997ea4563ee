package render

import (
	"bytes"
	"unicode/utf8"

	"github.com/apisixscope/apisixscope/internal/text"
)

// style is how a piece of a line looks where there are colours: an ANSI SGR parameter.
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	blue   style = "34"
	cyan   style = "36"
	alarm  style = "1;31"
)

// statusStyle tells the classes of HTTP statuses apart. 0 is a response that never came.
func statusStyle(status int) style {
	switch {
	case status == 0 || status >= 500:
		return alarm
	case status >= 400:
		return yellow
	case status >= 300:
		return cyan
	}
	return green
}

// page is text of a limited width under construction. Whatever put adds beyond the
// width is cut, so that a line can never wrap on the terminal.
type page struct {
	buf   []byte
	width int
	used  int // columns of the current line
	color bool
	look  style // of what was put last
}

// put appends s, which must be clean.
func (p *page) put(look style, s string) {
	w := columns(s)
	if w > p.width-p.used {
		s = text.Truncate(s, p.width-p.used)
		w = columns(s)
	}
	if w > 0 {
		p.used += w
		p.paint(look, s)
	}
}

// columns is text.Width, quick for what most of a page is.
func columns(s string) int {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return text.Width(s)
		}
	}
	return len(s)
}

const unpainted = "\x1b[0m"

// paint appends s in a style; what follows in the same style joins it.
func (p *page) paint(look style, s string) {
	if !p.color || look == plain {
		p.buf = append(p.buf, s...)
		p.look = plain
		return
	}
	if rest, painted := bytes.CutSuffix(p.buf, []byte(unpainted)); painted && look == p.look {
		p.buf = rest
	} else {
		p.buf = append(p.buf, "\x1b["...)
		p.buf = append(p.buf, look...)
		p.buf = append(p.buf, 'm')
	}
	p.look = look
	p.buf = append(p.buf, s...)
	p.buf = append(p.buf, unpainted...)
}

// to fills the line with blanks up to a column.
func (p *page) to(column int) {
	if column = min(column, p.width); column > p.used {
		p.put(plain, text.Pad("", column-p.used))
	}
}

// end ends the line.
func (p *page) end() {
	p.buf = append(bytes.TrimRight(p.buf, " "), '\n')
	p.used = 0
}

// piece is a word of a paragraph, and what joins it to the one before on the same line.
type piece struct {
	join, text string
}

// then joins what follows in time; unlike other joins it is kept at the head of a line.
const then = " → "

// joint is the style of what joins two pieces: arrows and dots stand back, blanks do not.
func joint(look style, join string) style {
	if join == " " {
		return look
	}
	return dim
}

// indent is where what belongs to a line above begins.
const indent = 11

// paragraph puts a label and the pieces, on as many lines as they need.
func (p *page) paragraph(label string, look style, pieces ...piece) {
	p.put(plain, "  ")
	p.put(dim, label)
	p.to(indent)
	for _, w := range pieces {
		switch {
		case p.used == indent:
		case p.used+columns(w.join)+columns(w.text) <= p.width:
			p.put(joint(look, w.join), w.join)
		default:
			p.end()
			p.to(indent)
			if w.join == then {
				p.put(dim, "→ ")
			}
		}
		p.put(look, w.text)
	}
	p.end()
}
