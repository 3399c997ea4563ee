// Package parts is what the pages of the terminal program are made of: lines of a limited
// width, tables that columns are dropped from, lists with a cursor, and a line to write in.
//
// Text must be clean (see internal/text) before it comes here. Widths are display columns.
package parts

import (
	"strings"
	"unicode/utf8"

	"github.com/apisixscope/apisixscope/internal/text"
)

// Look is how text is drawn: parameters of ANSI's SGR, such as "1;31"; empty for plain text.
type Look string

// The looks, of the sixteen colours that a terminal's own theme makes readable on its
// background, be that light or dark.
const (
	Plain  Look = ""
	Bold   Look = "1"
	Dim    Look = "2"
	Red    Look = "31"
	Green  Look = "32"
	Yellow Look = "33"
	Blue   Look = "34"
	Purple Look = "35"
	Cyan   Look = "36"
	Alarm  Look = "1;31"
	Chosen Look = "7" // a row under the cursor
)

// Paint returns s in a look.
func Paint(look Look, s string) string {
	if look == Plain || s == "" {
		return s
	}
	return "\x1b[" + string(look) + "m" + s + "\x1b[0m"
}

// Columns is text.Width, quick for what most of a screen is.
func Columns(s string) int {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return text.Width(s)
		}
	}
	return len(s)
}

// Line is a line of the screen under construction. What is put beyond its width is cut.
type Line struct {
	b      strings.Builder
	width  int
	used   int
	chosen bool
}

// NewLine returns an empty line.
func NewLine(width int) *Line { return &Line{width: max(width, 0)} }

// Choose has the whole line drawn as chosen, whatever the looks of its pieces: a row that is
// marked by colour alone could not be seen without.
func (l *Line) Choose() *Line {
	l.chosen = true
	return l
}

// Put appends s.
func (l *Line) Put(look Look, s string) *Line {
	w := Columns(s)
	if left := l.width - l.used; w > left {
		s = text.Truncate(s, left)
		w = Columns(s)
	}
	if w == 0 {
		return l
	}
	l.used += w
	if l.chosen {
		look = Plain
	}
	l.b.WriteString(Paint(look, s))
	return l
}

// To fills the line with blanks up to a column.
func (l *Line) To(column int) *Line {
	if column = min(column, l.width); column > l.used {
		l.b.WriteString(text.Pad("", column-l.used))
		l.used = column
	}
	return l
}

// Right puts s at the line's end, or where it is at if there is no room before it.
func (l *Line) Right(look Look, s string) *Line {
	return l.To(l.width-Columns(s)).Put(look, s)
}

// Used returns the columns that are taken.
func (l *Line) Used() int { return l.used }

// Left returns the columns that are free.
func (l *Line) Left() int { return l.width - l.used }

// String returns the line. A chosen one fills its width.
func (l *Line) String() string {
	if l.chosen {
		return Paint(Chosen, l.To(l.width).b.String())
	}
	return l.b.String()
}
