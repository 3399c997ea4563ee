package check

import (
	"net/http"
	"strings"
	"testing"
)

func TestHide(t *testing.T) {
	s := secrets{}
	s.add("SHORT", "abc")
	s.add("EMPTY", "")
	s.add("KEY", "sesame")
	s.add("LONG", "sesame-open")
	s.add("ODD", "a$1\\x")
	for text, want := range map[string]string{
		"":                        "",
		"abc":                     "abc",
		"Bearer sesame":           "Bearer ${KEY}",
		"sesame-open sesame":      "${LONG} ${KEY}",
		"sesamesesame-open":       "${KEY}${LONG}",
		"a$1\\x":                  "${ODD}",
		"sesam, KEY and ${KEY}":   "sesam, KEY and ${KEY}",
		"\"sesame\"\n\x00sesame!": "\"${KEY}\"\n\x00${KEY}!",
	} {
		if got := s.hide(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := secrets(nil).hide("x"); got != "x" {
		t.Errorf("none: %q", got)
	}
}

// TestHideBeforeCut has a secret lie across the place where a long answer is cut.
func TestHideBeforeCut(t *testing.T) {
	s := secrets{}
	s.add("KEY", "sesame-open")
	for n := 80; n < 110; n++ {
		got := strings.Repeat("x", n) + "sesame-open"
		p := Pair{Name: "a", Value: "y"}
		for what, why := range map[string]string{
			"header": p.header(http.Header{"A": {got}}, s),
			"json":   p.json([]byte(`{"a":"`+got+`"}`), s),
			"text":   p.json([]byte(got[40:]), s),
		} {
			if strings.Contains(why, "xs") || why == "" {
				t.Errorf("%s, cut at %d: %s", what, n, why)
			}
		}
	}
}
