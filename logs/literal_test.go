package logs

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestTakeLiterals(t *testing.T) {
	for _, tt := range []struct {
		in, out string
		found   map[int]time.Duration
	}{
		{"", "", nil},
		{"a > 200ms", "a > _____", map[int]time.Duration{4: 200 * time.Millisecond}},
		{"5s>a&&a<1h2m3.5s", "__>a&&a<________", map[int]time.Duration{0: 5 * time.Second, 8: time.Hour + 2*time.Minute + 3500*time.Millisecond}},
		{"µ > 3µs", "µ > ___", map[int]time.Duration{4: 3 * time.Microsecond}},
		{`"5s" '5s\'5s' 5s`, `"5s" '5s\'5s' __`, map[int]time.Duration{14: 5 * time.Second}},
		{"`5s` /* 5s */ 5s // 5s\n 5s", "`5s` /* 5s */ __ // 5s\n __", map[int]time.Duration{14: 5 * time.Second, 24: 5 * time.Second}},
		{"x5s _5s 1e3 0x5 5 1..5 1.5", "x5s _5s 1e3 0x5 5 1..5 1.5", nil},
		{"5 s 5x 5sx 5s.x", "5 s 5x 5sx __.x", map[int]time.Duration{11: 5 * time.Second}},
		{`"5s`, `"5s`, nil},
	} {
		out, found := takeLiterals(tt.in)
		if out != tt.out || len(found) != len(tt.found) {
			t.Errorf("takeLiterals(%q) = %q, %v, want %q, %v", tt.in, out, found, tt.out, tt.found)
		}
		for at, d := range tt.found {
			if found[at].value != d {
				t.Errorf("takeLiterals(%q): at %d is %v, want %v", tt.in, at, found[at], d)
			}
		}
	}
}

func FuzzTakeLiterals(f *testing.F) {
	for _, s := range []string{"a > 200ms", `"5s" == '5s\'' && 1h5m > x`, "`5s` // 5s", "/* 5s", "5µs\xff5s", "1..5s", `"\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out, found := takeLiterals(s)
		if utf8.RuneCountInString(out) != utf8.RuneCountInString(s) {
			t.Fatalf("%q becomes %q: something moved", s, out)
		}
		// With the literals put back, it is what it was; each is a duration.
		var back []byte
		at, runes := 0, 0
		for at < len(out) {
			if l, ok := found[runes]; ok {
				if d, err := time.ParseDuration(l.text); err != nil || d != l.value || out[at:at+len(l.name)] != l.name {
					t.Fatalf("%q: %+v in %q", s, l, out)
				}
				back = append(back, l.text...)
				at += len(l.name)
				runes += len(l.name)
				continue
			}
			_, size := utf8.DecodeRuneInString(out[at:])
			back = append(back, out[at:at+size]...)
			at += size
			runes++
		}
		if string(back) != s {
			t.Fatalf("%q comes back as %q", s, back)
		}
		if !strings.Contains(s, "..") { // which expr may write out as a list, however long
			_, _ = CompileWhere(s) // does not panic
		}
	})
}
