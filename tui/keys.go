package tui

import (
	"slices"
	"strings"

	"github.com/apisixscope/apisixscope/tui/parts"
)

// Key is what one or several keys do. Help and the line of hints are made of these.
type Key struct {
	Names []string // as parts.KeyPress.String has them
	Shown string   // what a user calls them; empty for the first name
	Does  string   // in a few words: "copy the request as curl"
	Hint  bool     // it is shown on the line of hints, too
	Word  string   // what it does, for that line; empty for Does
}

// Is reports whether the key was pressed.
func (k *Key) Is(m parts.KeyPress) bool { return slices.Contains(k.Names, m.String()) }

// Label is what a user calls the key.
func (k *Key) Label() string {
	if k.Shown != "" {
		return k.Shown
	}
	return strings.Join(k.Names[:1], "")
}

// word is what the line of hints says of the key.
func (k *Key) word() string {
	if k.Word != "" {
		return k.Word
	}
	return k.Does
}

// The frame's keys.
var (
	keyPage   = Key{Names: []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}, Shown: "1-8", Does: "show a page"}
	keyNext   = Key{Names: []string{"tab"}, Shown: "Tab", Does: "show the next page"}
	keyPrior  = Key{Names: []string{"shift+tab"}, Shown: "Shift-Tab", Does: "show the page before"}
	keyName   = Key{Names: []string{":"}, Does: "name a page to show, or quit", Hint: true, Word: "page"}
	keyFilter = Key{Names: []string{"/"}, Does: "show the requests that meet a condition", Hint: true, Word: "filter"}
	keyBack   = Key{Names: []string{"esc"}, Shown: "Esc", Does: "back; where there is nothing to go back to, clear the filter"}
	keyPause  = Key{Names: []string{"space"}, Shown: "Space", Does: "pause: nothing new is shown, but all is counted", Hint: true, Word: "pause"}
	keyExtend = Key{Names: []string{"+"}, Does: "extend the window by 5 minutes"}
	keyExport = Key{Names: []string{"e"}, Does: "export to a file here: what is shown as OTLP or HAR, the profile as pprof", Hint: true, Word: "export"}
	keyHelp   = Key{Names: []string{"?"}, Does: "help", Hint: true}
	keyQuit   = Key{Names: []string{"q", "ctrl+c"}, Shown: "q", Does: "quit", Hint: true}
	keyStop   = Key{Names: []string{"ctrl+z"}, Shown: "Ctrl-Z", Does: "back to the shell, until fg"}
)

// FrameKeys are obeyed on every page.
func FrameKeys() []Key {
	return []Key{keyPage, keyNext, keyPrior, keyName, keyFilter, keyPause, keyExtend, keyExport, keyBack, keyHelp, keyQuit, keyStop}
}

// ListKeys are obeyed wherever there are rows, by parts.List.
func ListKeys() []Key {
	return []Key{
		{Names: []string{"up", "down", "k", "j"}, Shown: "↑ ↓ k j", Does: "row by row"},
		{Names: []string{"pgup", "pgdown", "ctrl+b", "ctrl+f"}, Shown: "PgUp PgDn", Does: "screen by screen"},
		{Names: []string{"home", "end", "g", "G"}, Shown: "Home End g G", Does: "first and last row"},
	}
}
