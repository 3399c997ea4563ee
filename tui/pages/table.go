package pages

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/apisixscope/apisixscope/tui"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// order is what rows may be sorted by: a column's title, and what compares two.
type order[T any] struct {
	title string
	by    func(a, b T) int
}

// table is rows that are told anew at each draw. The cursor stays on its row, wherever that
// gets to; at the top it stays at the top.
type table[T any] struct {
	list   parts.List
	rows   []T
	name   func(T) string // what stays the same of a row
	held   string         // of the row under the cursor; empty at the top
	orders []order[T]     // the first is the one to begin with; what is most comes first
	order  int
	turned bool // the other way round
}

// sortKeys are those that a table obeys besides the list's.
func sortKeys() []tui.Key { return []tui.Key{keySort, keyTurn} }

// update moves the cursor or sorts. It reports whether the row under the cursor is to be opened.
func (t *table[T]) update(msg tea.Msg) bool {
	switch msg := msg.(type) {
	case parts.Wheel:
		t.list.Wheel(msg)
	case parts.Click:
		hit, again := t.list.Click(msg.Y - 1) // below the titles
		t.hold()
		return hit && again
	case parts.KeyPress:
		switch {
		case keyOpen.Is(msg):
			return true
		case keySort.Is(msg):
			t.order, t.turned = (t.order+1)%len(t.orders), false
			t.list.Move(-len(t.rows))
		case keyTurn.Is(msg):
			t.turned = !t.turned
			t.list.Move(-len(t.rows))
		default:
			t.list.Key(msg.String())
		}
	default:
		return false
	}
	t.hold()
	return false
}

func (t *table[T]) hold() {
	t.held = ""
	if row, ok := t.chosen(); ok && t.list.Cursor > 0 {
		t.held = t.name(row)
	}
}

// chosen returns the row under the cursor, if there is any.
func (t *table[T]) chosen() (row T, ok bool) {
	if t.list.Cursor >= len(t.rows) {
		return row, false
	}
	return t.rows[t.list.Cursor], true
}

// set takes the rows, which belong to the table now.
func (t *table[T]) set(rows []T) {
	t.rows = rows
	slices.SortStableFunc(rows, t.orders[t.order].by)
	if !t.turned {
		slices.Reverse(rows)
	}
	if t.held == "" {
		return
	}
	offset := t.list.Cursor - t.list.Offset
	if i := slices.IndexFunc(rows, func(r T) bool { return t.name(r) == t.held }); i >= 0 {
		t.list.Cursor, t.list.Offset = i, i-offset // it stays at its line of the screen
	}
}

// lines draws titles and rows in so many lines at most.
func (t *table[T]) lines(columns []parts.Column[T], width, height int) []string {
	t.list.Fit(len(t.rows), height-1)
	columns = parts.Fit(columns, width)
	lines := []string{parts.Titles(columns, width, t.orders[t.order].title, !t.turned)}
	from, to := t.list.Visible()
	for i := from; i < to; i++ {
		lines = append(lines, parts.Row(columns, width, t.rows[i], i == t.list.Cursor))
	}
	return lines[:max(min(len(lines), height), 0)]
}
