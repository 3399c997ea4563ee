package text_test

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/apisixscope/apisixscope/internal/text"
)

func TestClean(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"plain", "/orders?id=7&x=%1b", "/orders?id=7&x=%1b"},
		{"words", "/grüße/日本/😀", "/grüße/日本/😀"},
		{"joined emoji", "👩\u200d💻", "👩\u200d💻"},
		{"replacement character", "a\ufffdb", "a\ufffdb"},
		{"backslash", `a\x1bb`, `a\x1bb`},
		{"escape code", "a\x1b[31mb", `a\x1b[31mb`},
		{"window title", "\x1b]0;owned\x07", `\x1b]0;owned\x07`},
		{"newline and tab", "a\r\n\tb", `a\x0d\x0a\x09b`},
		{"NUL and DEL", "\x00a\x7f", `\x00a\x7f`},
		{"C1", "a\u009b31mb", `a\u{009b}31mb`},
		{"C1 as a byte", "a\x9b31mb", `a\x9b31mb`},
		{"bidi override", "a\u202egpj.exe", `a\u{202e}gpj.exe`},
		{"bidi isolates and marks", "\u2066\u2069\u200e\u061c", `\u{2066}\u{2069}\u{200e}\u{061c}`},
		{"line separator", "a\u2028b", `a\u{2028}b`},
		{"byte order mark", "\ufeffa", `\u{feff}a`},
		{"tag character", "a\U000e0041", `a\u{e0041}`},
		{"invalid UTF-8", "é\xc3\xffz", `é\xc3\xffz`},
		{"cut character", "ab\xe6\x97", `ab\xe6\x97`},
		{"surrogate", "\xed\xa0\x80", `\xed\xa0\x80`},
	} {
		if got := text.Clean(tt.in); got != tt.want {
			t.Errorf("%s: Clean(%q) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

func TestCleanDoesNotAllocateForHarmlessText(t *testing.T) {
	for _, s := range []string{"", "/orders/checkout?id=12345", "/grüße/日本"} {
		if n := testing.AllocsPerRun(100, func() { text.Clean(s) }); n != 0 {
			t.Errorf("Clean(%q) allocates %v times", s, n)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "/a", "\x1b[2J", "\u202e", "\x9b", "é\xff", "\u2028\ufeff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := text.Clean(s)
		if !utf8.ValidString(got) {
			t.Errorf("Clean(%q) = %q is not UTF-8", s, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
				t.Errorf("Clean(%q) = %q holds %U", s, got, r)
			}
		}
		if again := text.Clean(got); again != got {
			t.Errorf("Clean(%q) = %q, and cleaned again %q", s, got, again)
		}
	})
}

func BenchmarkClean(b *testing.B) {
	s := "/orders/checkout/12345?currency=eur&page=2&sort=name"
	for b.Loop() {
		text.Clean(s)
	}
}

func TestDuration(t *testing.T) {
	for _, tt := range []struct {
		in   time.Duration
		want string
	}{
		{0, "0s"},
		{1, "1ns"},
		{999, "999ns"},
		{1000, "1.00µs"},
		{1240, "1.24µs"},
		{9_994, "9.99µs"},
		{9_996, "10.0µs"},
		{99_940, "99.9µs"},
		{99_960, "100µs"},
		{312_400, "312µs"},
		{999_499, "999µs"},
		{999_500, "1.00ms"},
		{1_240_000, "1.24ms"},
		{999_499_999, "999ms"},
		{999_500_000, "1.00s"},
		{12_300 * time.Millisecond, "12.3s"},
		{59_949 * time.Millisecond, "59.9s"},
		{59_950 * time.Millisecond, "1m00s"},
		{65 * time.Second, "1m05s"},
		{time.Hour - time.Second, "59m59s"},
		{time.Hour - time.Millisecond, "1h00m"},
		{3*time.Hour + 20*time.Minute, "3h20m"},
		{100*time.Hour - time.Minute, "99h59m"},
		{100 * time.Hour, "4d"},
		{math.MaxInt64, "106751d"},
		{-5 * time.Millisecond, "-5.00ms"},
		{math.MinInt64, "-106751d"},
	} {
		if got := text.Duration(tt.in); got != tt.want {
			t.Errorf("Duration(%d) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestDurationFitsSevenColumns(t *testing.T) {
	for d := time.Duration(1); d > 0 && d < math.MaxInt64/3*2; d += d/7 + 1 {
		if got := text.Duration(d); text.Width(got) > 7 {
			t.Errorf("Duration(%d) = %q is wider than 7 columns", d, got)
		}
	}
}

func TestSize(t *testing.T) {
	for _, tt := range []struct {
		in   int64
		want string
	}{
		{0, "0B"},
		{812, "812B"},
		{1023, "1023B"},
		{1024, "1.0KiB"},
		{1229, "1.2KiB"},
		{102_297, "99.9KiB"},
		{102_390, "100KiB"},
		{1_047_552, "1023KiB"},
		{1_048_575, "1.0MiB"},
		{1 << 30, "1.0GiB"},
		{1 << 40, "1.0TiB"},
		{1 << 50, "1.0PiB"},
		{math.MaxInt64, "8.0EiB"},
		{-1229, "-1.2KiB"},
		{math.MinInt64, "-8.0EiB"},
	} {
		if got := text.Size(tt.in); got != tt.want {
			t.Errorf("Size(%d) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestTruncate(t *testing.T) {
	for _, tt := range []struct {
		in    string
		width int
		want  string
	}{
		{"", 5, ""},
		{"orders", 6, "orders"},
		{"orders", 5, "orde…"},
		{"orders", 1, "…"},
		{"orders", 0, ""},
		{"orders", -1, ""},
		{"日本語", 6, "日本語"},
		{"日本語", 5, "日本…"},
		{"日本語", 4, "日…"},
		{"👩\u200d💻ab", 3, "👩\u200d💻…"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
	} {
		got := text.Truncate(tt.in, tt.width)
		if got != tt.want {
			t.Errorf("Truncate(%q, %d) = %q, want %q", tt.in, tt.width, got, tt.want)
		}
	}
}

func TestPad(t *testing.T) {
	for _, tt := range []struct {
		in          string
		width       int
		left, right string
	}{
		{"ab", 4, "  ab", "ab  "},
		{"ab", 2, "ab", "ab"},
		{"abc", 2, "abc", "abc"},
		{"", 0, "", ""},
		{"ab", -3, "ab", "ab"},
		{"日本", 5, " 日本", "日本 "},
		{"1.24µs", 7, " 1.24µs", "1.24µs "},
		{"", 100, strings.Repeat(" ", 100), strings.Repeat(" ", 100)},
	} {
		if got := text.Pad(tt.in, tt.width); got != tt.right {
			t.Errorf("Pad(%q, %d) = %q, want %q", tt.in, tt.width, got, tt.right)
		}
		if got := text.PadLeft(tt.in, tt.width); got != tt.left {
			t.Errorf("PadLeft(%q, %d) = %q, want %q", tt.in, tt.width, got, tt.left)
		}
	}
}
