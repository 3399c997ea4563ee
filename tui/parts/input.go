package parts

import (
	"slices"
	"strings"

	"github.com/apisixscope/apisixscope/internal/text"
)

// Input is a line that a user writes in. The zero Input is empty.
type Input struct {
	text []rune
	at   int // the cursor stands before this rune
}

// maxInput is more than anybody types; what is pasted may be longer.
const maxInput = 2000

// Set puts the cursor behind a new text.
func (i *Input) Set(s string) {
	i.text = []rune(s)
	i.at = len(i.text)
}

// String returns the text.
func (i *Input) String() string { return string(i.text) }

// Key edits the text as a key says, and reports whether it was one for that.
func (i *Input) Key(m KeyPress) bool {
	switch m.String() {
	case "left", "ctrl+b":
		i.at = max(i.at-1, 0)
	case "right", "ctrl+f":
		i.at = min(i.at+1, len(i.text))
	case "home", "ctrl+a":
		i.at = 0
	case "end", "ctrl+e":
		i.at = len(i.text)
	case "backspace", "ctrl+h":
		i.cut(max(i.at-1, 0))
	case "delete", "ctrl+d":
		if i.at < len(i.text) {
			i.at++
			i.cut(i.at - 1)
		}
	case "ctrl+u":
		i.cut(0)
	case "ctrl+w", "alt+backspace":
		i.cut(i.word())
	default:
		return m.Text != "" && i.Insert(m.Text)
	}
	return true
}

// Insert puts s at the cursor. Of what is pasted, line ends are blanks.
func (i *Input) Insert(s string) bool {
	more := []rune(text.Clean(strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ").Replace(s)))
	if len(i.text)+len(more) > maxInput {
		return true
	}
	i.text = slices.Insert(i.text, i.at, more...)
	i.at += len(more)
	return true
}

// cut removes what is between from and the cursor.
func (i *Input) cut(from int) {
	i.text = slices.Delete(i.text, from, i.at)
	i.at = from
}

// word is where the word before the cursor begins.
func (i *Input) word() int {
	at := i.at
	for at > 0 && i.text[at-1] == ' ' {
		at--
	}
	for at > 0 && i.text[at-1] != ' ' {
		at--
	}
	return at
}

// Word returns the name that ends at the cursor: what there is to complete.
func (i *Input) Word() string {
	at := i.at
	for at > 0 && (i.text[at-1] == '_' || i.text[at-1] >= 'a' && i.text[at-1] <= 'z') {
		at--
	}
	return string(i.text[at:i.at])
}

// Put writes the text with the cursor on a line. Of a long one, the part around the cursor is
// shown.
func (i *Input) Put(l *Line) {
	shown, at := i.text, i.at
	for at > 0 && Columns(string(shown[:at]))+1 > l.Left() {
		shown, at = shown[1:], at-1
	}
	l.Put(Plain, string(shown[:at]))
	if at == len(shown) {
		l.Put(Chosen, " ")
		return
	}
	l.Put(Chosen, string(shown[at]))
	l.Put(Plain, string(shown[at+1:]))
}

// Complete returns the words that begin with prefix, and what all of them have in common.
func Complete(prefix string, words []string) (matching []string, common string) {
	for _, w := range words {
		if !strings.HasPrefix(w, prefix) {
			continue
		}
		if matching == nil {
			common = w
		}
		for !strings.HasPrefix(w, common) {
			common = common[:len(common)-1]
		}
		matching = append(matching, w)
	}
	return matching, common
}
