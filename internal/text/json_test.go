package text_test

import (
	"encoding/json"
	"testing"

	"github.com/apisixscope/apisixscope/internal/text"
)

func TestAppendJSON(t *testing.T) {
	for in, want := range map[string]string{
		"":               `""`,
		"GET /orders":    `"GET /orders"`,
		`a"b\c`:          `"a\"b\\c"`,
		"\x1b[31m\n\x7f": `"\u001b[31m\u000a\u007f"`,
		"naïve 😀":        `"naïve 😀"`,
		"\u009b31m":      `"\u009b31m"`, // a C1 control, as a terminal obeys it
		"\u202egnp.exe":  `"\u202egnp.exe"`,
		"\U000e0041":     `"\udb40\udc41"`, // a tag: it has no picture
		"\xff":           `"\ufffd"`,
		"\ufffd":         "\"\ufffd\"",
	} {
		got := string(text.AppendJSON(nil, in))
		if got != want {
			t.Errorf("%q becomes %s, want %s", in, got, want)
		}
		var back string
		if err := json.Unmarshal([]byte(got), &back); err != nil || back != in && in != "\xff" {
			t.Errorf("%q comes back as %q: %v", in, back, err)
		}
	}
}
