package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"github.com/apisixscope/apisixscope/trace"
)

// Size is the room of a page, in columns and lines.
type Size struct{ Width, Height int }

// A Page shows one face of the State. Its methods are called by one goroutine, and neither
// block nor do I/O: what takes time is a tea.Cmd, whose message comes to the page's Update.
type Page interface {
	// Name is one word in lower case, by which ':' knows the page; its tab has it with a capital.
	Name() string
	// Keys are those that the page obeys itself, for the line of hints and for Help.
	Keys() []Key
	// Update takes the keys, and the mouse's clicks and wheel, for which the frame has no use
	// while the page is shown: Y counts from the page's first line. Any other message comes to
	// every page.
	Update(*State, tea.Msg) tea.Cmd
	// View returns the page's lines: no more than fit, and none wider.
	View(*State, Size) []string
}

// A Searcher is a Page whose '/' asks for a word to search for, not for a condition on
// requests. It is told each time the word changes; empty ends the search.
type Searcher interface {
	Search(s *State, word string)
}

// A Backer is a Page that Esc leads back in, before it leads to the page before. Back reports
// whether there was something to go back from.
type Backer interface{ Back() bool }

// A Typist is a Page in which text is written now and then.
type Typist interface {
	// Typing reports that keys are text: the frame obeys none but ctrl+c.
	Typing() bool
}

// What pages ask of the frame, by State.Ask or, from a command, as its message.
type (
	// ShowPage shows the page of a name.
	ShowPage struct{ Name string }
	// OpenRequest shows a request on the page for a single one.
	OpenRequest struct{ Exchange *trace.Exchange }
	// SetFilter shows the requests that meet a condition; an empty one is met by all.
	SetFilter struct{ Where string }
	// Say tells the user something on the line of hints, for a moment.
	Say struct {
		Text string // is cleaned
		Bad  bool
	}
	// CopyText puts text into the terminal's clipboard.
	CopyText struct{ What, Text string }
)

// Send returns a command that hands msg over. What a key asks for is better asked by State.Ask:
// the next key may be pressed already.
func Send(msg tea.Msg) tea.Cmd { return func() tea.Msg { return msg } }
