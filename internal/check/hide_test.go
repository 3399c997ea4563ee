package check

import "testing"

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
