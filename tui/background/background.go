// Package background knows the terminal's background, and sees to it that nobody asks for it
// unbidden: Bubble Tea has an init function that has every program that links it, trace
// in a terminal among them, write a question to the terminal before main begins.
//
// Go initializes packages that are ready in the order of their import paths, and this one is
// ready as soon as Lip Gloss is, on which Bubble Tea stands as well: so the answer is there
// before the question (The Go Programming Language Specification, "Program initialization").
package background

import (
	"os"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// Asked is set once the question needs no answer any more.
var Asked = answer()

func answer() bool {
	lipgloss.SetHasDarkBackground(true)
	return true
}

// Light asks the terminal whether its background is light. One that does not say is dark. The
// answer comes as input, so it is to be asked before anything else reads that.
func Light(terminal *os.File) bool { return !termenv.NewOutput(terminal).HasDarkBackground() }
