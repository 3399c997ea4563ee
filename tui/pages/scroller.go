package pages

import (
	"fmt"
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/apisixscope/apisixscope/tui/parts"
)

// scroller shows a part of lines that have no cursor. The zero scroller is at the first.
type scroller struct{ top, lines, height int }

// update scrolls as a key or the wheel says.
func (r *scroller) update(msg tea.Msg) {
	switch msg := msg.(type) {
	case parts.Wheel:
		if msg.Up {
			r.scroll(-3)
		} else {
			r.scroll(3)
		}
	case parts.KeyPress:
		if by, ok := parts.Steps(msg.String(), r.height, r.lines); ok {
			r.scroll(by)
		}
	}
}

func (r *scroller) scroll(by int) { r.top = max(min(r.top+by, r.lines-r.height), 0) }

// window returns the lines that fit.
func (r *scroller) window(lines []string, height int) []string {
	r.lines, r.height = len(lines), height
	r.scroll(0)
	shown := slices.Clone(lines[r.top:min(r.top+height, len(lines))])
	if more := len(lines) - r.top - height; more > 0 && height > 1 {
		shown[height-1] = parts.Paint(parts.Dim, fmt.Sprintf("  ↓ %d more lines", more+1))
	}
	return shown
}
