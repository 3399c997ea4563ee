package parts_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/tui/parts"
)

func TestLineIsNeverWider(t *testing.T) {
	for _, s := range []string{"", "orders", "日本語日本語", "e\u0301e\u0301e\u0301e\u0301"} {
		for width := range 10 {
			l := parts.NewLine(width).Put(parts.Bold, s).To(6).Put(parts.Red, s).Right(parts.Dim, s)
			plain := strings.NewReplacer("\x1b[1m", "", "\x1b[2m", "", "\x1b[31m", "", "\x1b[0m", "").Replace(l.String())
			if got := text.Width(plain); got > width || got != l.Used() {
				t.Errorf("%q in %d columns takes %d, and says %d", s, width, got, l.Used())
			}
		}
	}
	if got := parts.NewLine(4).Choose().Put(parts.Red, "ab").String(); got != "\x1b[7mab  \x1b[0m" {
		t.Errorf("a chosen line is %q", got)
	}
}

func TestList(t *testing.T) {
	var l parts.List
	l.Fit(100, 10)
	for _, step := range []struct {
		key            string
		cursor, offset int
	}{
		{"down", 1, 0}, {"pgdown", 11, 2}, {"end", 99, 90}, {"up", 98, 90}, {"pgup", 88, 88}, {"home", 0, 0}, {"up", 0, 0}, {"x", 0, 0},
	} {
		l.Key(step.key)
		if l.Cursor != step.cursor || l.Offset != step.offset {
			t.Errorf("after %s the cursor is at %d, and the screen at %d; want %d and %d", step.key, l.Cursor, l.Offset, step.cursor, step.offset)
		}
	}
	if hit, again := l.Click(3); !hit || again || l.Cursor != 3 {
		t.Errorf("a click: %v, %v, at %d", hit, again, l.Cursor)
	}
	if hit, again := l.Click(3); !hit || !again {
		t.Errorf("a second click: %v, %v", hit, again)
	}
	l.Fit(2, 10)
	if hit, _ := l.Click(5); hit || l.Cursor != 1 {
		t.Errorf("a click below the rows: %v, at %d", hit, l.Cursor)
	}
	l.Fit(0, 10)
	if from, to := l.Visible(); from != 0 || to != 0 || l.Cursor != 0 {
		t.Errorf("no rows: %d to %d, at %d", from, to, l.Cursor)
	}
}

func TestInput(t *testing.T) {
	var i parts.Input
	named := []string{"left", "home", "end", "backspace", "delete", "ctrl+w", "ctrl+u"}
	for _, step := range []struct{ key, want string }{
		{"status >", "status >"}, {"left", "status >"}, {"x", "status x>"}, {"delete", "status x"}, {"ctrl+w", "status "}, {"日", "status 日"},
		{"backspace", "status "}, {"home", "status "}, {"delete", "tatus "}, {"backspace", "tatus "}, {"end", "tatus "}, {"ctrl+u", ""},
		{"\x1b[2J", `\x1b[2J`},
	} {
		writes := step.key
		if slices.Contains(named, step.key) {
			writes = ""
		}
		i.Key(parts.NewKeyPress(step.key, writes))
		if i.String() != step.want {
			t.Fatalf("after %q the text is %q, want %q", step.key, i.String(), step.want)
		}
	}
	i.Set("")
	i.Insert("a\r\nb\tc")
	if i.String() != "a b c" {
		t.Errorf("pasted lines are %q", i.String())
	}
	i.Insert(strings.Repeat("x", 5000))
	if len(i.String()) > 2000 {
		t.Errorf("a paste makes %d bytes", len(i.String()))
	}
}

func TestComplete(t *testing.T) {
	words := []string{"status", "start", "service"}
	if all, common := parts.Complete("s", words); len(all) != 3 || common != "s" {
		t.Errorf("s: %v, %q", all, common)
	}
	if all, common := parts.Complete("st", words); len(all) != 2 || common != "sta" {
		t.Errorf("st: %v, %q", all, common)
	}
	if all, common := parts.Complete("x", words); all != nil || common != "" {
		t.Errorf("x: %v, %q", all, common)
	}
}
