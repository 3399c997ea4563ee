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
	by, ok := Steps(key, l.height, l.rows)
	if ok {
		l.Move(by)
	}
	return ok
}

// Steps returns by how many of all rows a key moves, of which a screen shows height; ok is
// false for a key that moves nothing.
func Steps(key string, height, all int) (rows int, ok bool) {
	switch key {
	case "up", "k":
		return -1, true
	case "down", "j":
		return 1, true
	case "pgup", "ctrl+b":
		return -height, true
	case "pgdown", "ctrl+f":
		return height, true
	case "home", "g":
		return -all, true
	case "end", "G", "shift+g":
		return all, true
	}
	return 0, false
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
