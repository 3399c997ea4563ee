package parts

// List is a cursor over rows of which only some fit on the screen. The zero List is at the
// first row.
type List struct {
	Cursor int // the chosen row
	Offset int // the first row on the screen
	rows   int
	height int
}

// Fit tells the list how many rows there are, and how many fit. Call it before a draw: the
// cursor stays on a row, and the row on the screen.
func (l *List) Fit(rows, height int) {
	l.rows, l.height = rows, max(height, 1)
	l.Cursor = max(min(l.Cursor, rows-1), 0)
	l.Offset = min(max(l.Offset, l.Cursor-l.height+1), l.Cursor)
	l.Offset = max(min(l.Offset, rows-l.height), 0)
}

// Visible returns the rows on the screen: from and the one after the last.
func (l *List) Visible() (from, to int) { return l.Offset, min(l.Offset+l.height, l.rows) }

// Move moves the cursor.
func (l *List) Move(rows int) {
	l.Cursor += rows
	l.Fit(l.rows, l.height)
}

// Key moves the cursor as a key says, and reports whether it was one for that.
func (l *List) Key(key string) bool {
	switch key {
	case "up", "k":
		l.Move(-1)
	case "down", "j":
		l.Move(1)
	case "pgup", "ctrl+b":
		l.Move(-l.height)
	case "pgdown", "ctrl+f":
		l.Move(l.height)
	case "home", "g":
		l.Move(-l.rows)
	case "end", "G", "shift+g":
		l.Move(l.rows)
	default:
		return false
	}
	return true
}

// Wheel moves the cursor by three rows a notch.
func (l *List) Wheel(w Wheel) {
	if w.Up {
		l.Move(-3)
		return
	}
	l.Move(3)
}

// Click moves the cursor to the row at line y of the list, and reports whether there is one,
// and whether the cursor was there before: then it is meant to be opened.
func (l *List) Click(y int) (hit, again bool) {
	row := l.Offset + y
	if y < 0 || y >= l.height || row >= l.rows {
		return false, false
	}
	again = row == l.Cursor
	l.Cursor = row
	return true, again
}
