package render_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestReportCanBeRead computes contrasts as WCAG 2.2 does: 4.5 for text (AA), 3 for what is
// drawn.
func TestReportCanBeRead(t *testing.T) {
	css, err := os.ReadFile("report.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, _ := strings.Cut(string(css), "@media screen and (prefers-color-scheme: dark)")
	dark, _, _ = strings.Cut(dark, "\n}\n")
	for theme, rules := range map[string]string{"light": light, "dark": dark} {
		colors := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z0-9-]+): #([0-9a-f]{6})`).FindAllStringSubmatch(rules, -1) {
			colors[m[1]] = luminance(m[2])
		}
		for ground, pairs := range map[string]map[string]float64{
			"page":  {"ink": 4.5, "faint": 4.5, "link": 4.5, "good": 4.5, "warn": 4.5, "bad": 4.5, "fill-good": 3, "fill-refused": 3, "fill-failed": 3, "p50": 3, "p99": 3},
			"panel": {"ink": 4.5, "faint": 4.5, "link": 4.5, "bad": 4.5, "warn": 4.5, "mark-s": 3, "mark-p": 3, "fill-failed": 3, "fill-good": 3},
		} {
			for color, least := range pairs {
				if c := contrast(colors[ground], colors[color]); c < least || colors[color] == 0 {
					t.Errorf("%s: --%s on --%s has a contrast of %.2f, want %.1f", theme, color, ground, c, least)
				}
			}
		}
		if c := contrast(colors["fill-good"], colors["fill-failed"]); c < 1.3 {
			t.Errorf("%s: what failed hardly differs from what did not: %.2f", theme, c)
		}
	}
}

func luminance(hex string) float64 {
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, _ := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }
