package text

import (
	"strings"

	// Not go-runewidth: it asks the locale how wide some characters are, so the
	// same table would differ between two shells.
	"github.com/clipperhouse/displaywidth"
)

const ellipsis = "…"

// Width returns how many columns a terminal needs for s.
func Width(s string) int { return displaywidth.String(s) }

// Truncate returns s in at most width columns; a cut is marked with "…".
// It cuts between characters as people see them, never inside one.
func Truncate(s string, width int) string {
	if width <= 0 {
		return ""
	}
	return displaywidth.TruncateString(s, width, ellipsis)
}

// Pad returns s followed by as many spaces as fill width columns, for a column
// of words. A wider s is returned as it is.
func Pad(s string, width int) string {
	return s + spaces(width-Width(s))
}

// PadLeft is Pad with the spaces first, for a column of numbers.
func PadLeft(s string, width int) string {
	return spaces(width-Width(s)) + s
}

func spaces(n int) string {
	const blank = "                                                                "
	if n <= 0 {
		return ""
	}
	if n <= len(blank) {
		return blank[:n]
	}
	return strings.Repeat(" ", n)
}
