package parts

import "github.com/apisixscope/apisixscope/internal/text"

// Column is a column of a table of T.
type Column[T any] struct {
	Title string
	Width int  // 0 for what the others leave
	From  int  // the least width of the screen at which there is room for it
	Right bool // numbers
	Look  func(T) Look
	Cell  func(row T, width int) string
	Put   func(l *Line, row T, width int) // draws a cell of several looks, instead of Cell
}

// Fit drops the columns there is no room for, and gives what is left to those without a width
// of their own.
func Fit[T any](all []Column[T], width int) []Column[T] {
	var kept []Column[T]
	left, wide := width+1, 0
	for _, c := range all {
		if width < c.From {
			continue
		}
		kept = append(kept, c)
		left -= c.Width + 1
		if c.Width == 0 {
			wide++
		}
	}
	for i := range kept {
		if kept[i].Width == 0 {
			kept[i].Width = max(left/wide, 1)
			left, wide = left-kept[i].Width, wide-1
		}
	}
	return kept
}

// Titles is the line above all rows. The column of the name sorted is marked.
func Titles[T any](columns []Column[T], width int, sorted string, down bool) string {
	l := NewLine(width)
	at := 0
	for i := range columns {
		c := &columns[i]
		title, look := c.Title, Dim
		if c.Title == sorted && sorted != "" {
			look = Bold
			if down {
				title += "↓"
			} else {
				title += "↑"
			}
		}
		l.cell(look, title, c.Width, c.Right)
		at += c.Width + 1
		l.To(at)
	}
	return l.String()
}

// Row is the line of a row.
func Row[T any](columns []Column[T], width int, row T, chosen bool) string {
	l := NewLine(width)
	if chosen {
		l.Choose()
	}
	at := 0
	for i := range columns {
		c := &columns[i]
		if c.Put != nil {
			c.Put(l, row, c.Width)
			at += c.Width + 1
			l.To(at)
			continue
		}
		look := Plain
		if c.Look != nil {
			look = c.Look(row)
		}
		l.cell(look, c.Cell(row, c.Width), c.Width, c.Right)
		at += c.Width + 1
		l.To(at)
	}
	return l.String()
}

func (l *Line) cell(look Look, s string, width int, right bool) {
	s = text.Truncate(s, width)
	if right {
		s = text.PadLeft(s, width)
	}
	l.Put(look, s)
}
