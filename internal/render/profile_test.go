package render_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/profile"
)

func emptyProfile() (*pprof.Profile, profile.Summary) {
	return profiled(profile.Options{Kind: profile.CPU}, nil)
}

// allProfiles are ways to show a profile in a format, or, without one, in all that are text.
func allProfiles(t *testing.T, only string, each func(format, what, out string)) {
	t.Helper()
	for name, of := range map[string]func() (*pprof.Profile, profile.Summary){"cpu": cpuProfile, "blocked": blockedProfile, "stalled": stalledProfile, "empty": emptyProfile} {
		for _, format := range append(render.ProfileFormats(), "flame.html") {
			if format == "pprof" || only != "" && format != only {
				continue
			}
			for _, by := range []string{"", "function", "plugin", "phase", "route", "worker"} {
				each(format, name+" by "+by, drawn(t, format, options(100, by), of))
			}
		}
	}
}

func TestNoTextOfAProfileIsObeyed(t *testing.T) {
	allProfiles(t, "", func(format, what, out string) {
		for _, r := range out {
			tab := r == '\t' && strings.HasPrefix(format, "flame") // of our own style sheet
			if r == unicode.ReplacementChar && !utf8.ValidString(out) || r != '\n' && !tab && !unicode.IsGraphic(r) {
				t.Errorf("%s, %s: has %q", format, what, r)
				break
			}
		}
	})
}

func TestProfileTopFitsTheTerminal(t *testing.T) {
	for width := 40; width < 180; width += 7 {
		for _, by := range []string{"", "route", "plugin"} {
			for _, of := range []func() (*pprof.Profile, profile.Summary){cpuProfile, blockedProfile, stalledProfile} {
				for line := range strings.Lines(drawn(t, "top", options(width, by), of)) {
					if w := text.Width(strings.TrimSuffix(line, "\n")); w > width {
						t.Errorf("at %d: %d columns: %s", width, w, line)
					}
				}
			}
		}
	}
}

// TestFlameIsWellFormed reads the SVG as XML does, and wants no element and no attribute
// that we did not make, nothing from elsewhere, and each frame within its parent.
func TestFlameIsWellFormed(t *testing.T) {
	known := map[string]bool{"svg": true, "style": true, "rect": true, "g": true, "title": true, "text": true, "foreignObject": true, "input": true, "script": true}
	allProfiles(t, "flame", func(_, what, out string) {
		d := xml.NewDecoder(strings.NewReader(out))
		scripts := 0
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			e, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			if !known[e.Name.Local] {
				t.Errorf("%s: there is an element %s", what, e.Name.Local)
			}
			if e.Name.Local == "script" {
				scripts++
			}
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || strings.HasSuffix(a.Name.Local, "href") || a.Name.Local == "src" {
					t.Errorf("%s: %s has %s=%q", what, e.Name.Local, a.Name.Local, a.Value)
				}
			}
		}
		if scripts != 1 {
			t.Errorf("%s: %d scripts", what, scripts)
		}
		if strings.Contains(strings.ReplaceAll(out, `="http://www.w3.org/`, ""), "://") {
			t.Errorf("%s: an address is in the file", what)
		}
	})
}

func TestFlameFramesLieWithinTheirParents(t *testing.T) {
	out := drawn(t, "flame", options(0, "plugin"), cpuProfile)
	type frame struct{ x, w float64 }
	rows := map[int][]frame{}
	for _, m := range regexp.MustCompile(`<svg class="f [^"]*" x="([0-9.]+)%" y="([0-9]+)" width="([0-9.]+)%"`).FindAllStringSubmatch(out, -1) {
		x, _ := strconv.ParseFloat(m[1], 64)
		y, _ := strconv.Atoi(m[2])
		w, _ := strconv.ParseFloat(m[3], 64)
		rows[y] = append(rows[y], frame{x, w})
	}
	const top, row = 138, 18
	if len(rows[top]) != 1 || rows[top][0] != (frame{0, 100}) || len(rows) < 200 {
		t.Fatalf("%d rows, the first is %v", len(rows), rows[top])
	}
	for y, all := range rows {
		for _, f := range all {
			within := y == top
			for _, p := range rows[y-row] {
				within = within || p.x <= f.x+0.001 && p.x+p.w >= f.x+f.w-0.001
			}
			if !within {
				t.Errorf("a frame in row %d has no parent: %v", y, f)
			}
		}
	}
}

// TestFlameOfMany has more frames than are drawn: that is said, and what is drawn is whole.
func TestFlameOfMany(t *testing.T) {
	var all []profile.Sample
	for i := range 30000 {
		all = append(all, profile.Sample{Kind: profile.CPU, Weight: time.Duration(1 + i%3), Stack: []profile.Frame{{Kind: profile.FrameNative, Name: fmt.Sprint("f", i)}}})
	}
	out := drawn(t, "flame", options(0, ""), func() (*pprof.Profile, profile.Summary) {
		return profiled(profile.Options{Kind: profile.CPU}, all)
	})
	frames := strings.Count(out, `<svg class="f `)
	m := regexp.MustCompile(`; ([0-9,]+) frames of less than`).FindStringSubmatch(out)
	if m == nil {
		t.Fatal("nothing is said")
	}
	left, _ := strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
	if frames > 20000 || frames < 9000 || frames+left != 30001 {
		t.Errorf("%d frames are drawn, %d are left out", frames, left)
	}
}

func TestFoldedIsRead(t *testing.T) {
	line := regexp.MustCompile(`^([^;\n]+)(;[^;\n]+)* [0-9]+$`)
	for _, by := range []string{"", "plugin"} {
		sum := 0
		for l := range strings.Lines(drawn(t, "folded", options(0, by), cpuProfile)) {
			l = strings.TrimSuffix(l, "\n")
			if !line.MatchString(l) {
				t.Errorf("by %q: %.200q", by, l)
			}
			n, err := strconv.Atoi(l[strings.LastIndexByte(l, ' ')+1:])
			if err != nil {
				t.Error(err)
			}
			sum += n
		}
		if sum != len(testrig.Samples()) {
			t.Errorf("by %q: %d samples, want %d", by, sum, len(testrig.Samples()))
		}
	}
}

// speedscopeFile is what Speedscope's schema asks for.
type speedscopeFile struct {
	Schema string `json:"$schema"`
	Shared struct {
		Frames []struct {
			Name string `json:"name"`
			File string `json:"file"`
			Line int    `json:"line"`
		} `json:"frames"`
	} `json:"shared"`
	Profiles []struct {
		Type       string  `json:"type"`
		Name       string  `json:"name"`
		Unit       string  `json:"unit"`
		StartValue int64   `json:"startValue"`
		EndValue   int64   `json:"endValue"`
		Samples    [][]int `json:"samples"`
		Weights    []int64 `json:"weights"`
	} `json:"profiles"`
	Name               string `json:"name"`
	ActiveProfileIndex int    `json:"activeProfileIndex"`
	Exporter           string `json:"exporter"`
}

func TestSpeedscopeFollowsItsSchema(t *testing.T) {
	allProfiles(t, "speedscope", func(_, what, out string) {
		d := json.NewDecoder(strings.NewReader(out))
		d.DisallowUnknownFields()
		var f speedscopeFile
		if err := d.Decode(&f); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if f.Schema != "https://www.speedscope.app/file-format-schema.json" || len(f.Profiles) == 0 || f.Exporter != "apisixscope v0.0.0-test" {
			t.Errorf("%s: %s, %d profiles, by %s", what, f.Schema, len(f.Profiles), f.Exporter)
		}
		for _, p := range f.Profiles {
			var sum int64
			for i, stack := range p.Samples {
				sum += p.Weights[i]
				for _, n := range stack {
					if n < 0 || n >= len(f.Shared.Frames) || f.Shared.Frames[n].Name == "" {
						t.Errorf("%s: %s: frame %d", what, p.Name, n)
					}
				}
			}
			if p.Type != "sampled" || p.Unit != "nanoseconds" || p.Name == "" || len(p.Samples) != len(p.Weights) || p.EndValue-p.StartValue != sum {
				t.Errorf("%s: %s %s in %s: %d stacks, %d weights, %d to %d, sum %d", what, p.Type, p.Name, p.Unit, len(p.Samples), len(p.Weights), p.StartValue, p.EndValue, sum)
			}
		}
	})
}

func TestProfileJSONIsWhole(t *testing.T) {
	allProfiles(t, "json", func(_, what, out string) {
		var ns, want float64
		last := ""
		for line := range strings.Lines(out) {
			var o map[string]any
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				t.Fatalf("%s: %v: %s", what, err, line)
			}
			last = o["type"].(string)
			switch last {
			case "sample":
				ns += o["ns"].(float64)
				if stack := o["stack"].([]any); len(stack) == 0 {
					t.Errorf("%s: no stack: %s", what, line)
				}
			case "finding":
				if s := o["share"].(float64); s <= 0 || s > 1 {
					t.Errorf("%s: %s", what, line)
				}
			case "summary":
				want = o["ns"].(float64)
			}
		}
		if ns != want || last != "summary" {
			t.Errorf("%s: %v ns in samples, %v in the summary, which the last line is: %s", what, ns, want, last)
		}
	})
}

func TestPprofIsWhatWasGiven(t *testing.T) {
	p, err := pprof.ParseData([]byte(drawn(t, "pprof", options(0, ""), cpuProfile)))
	if err != nil {
		t.Fatal(err)
	}
	want, _ := cpuProfile()
	if p.String() != want.String() {
		t.Errorf("%s\nwant\n%s", p, want)
	}
}

func TestProfileSummary(t *testing.T) {
	_, cpu := cpuProfile()
	_, blocked := blockedProfile()
	_, stalled := stalledProfile()
	_, empty := emptyProfile()
	for _, tt := range []struct {
		in   profile.Summary
		want string
	}{
		{cpu, "353 samples in 4.00s, 3.53s of CPU, 88.2% of a core; lost 3 events: ring buffer full 3\n" +
			"note: 8 of 353 stacks end early: no unwind row: libfoo.so 8\nnote: 4 of 353 stacks have a gap: trace unknown 4\nnote: libfoo.so has no �[31mnames\n"},
		{blocked, "40 samples in 4.00s, 820ms blocked; lost 0\nnote: 3 of 40 stacks end early: no unwind row: libfoo.so 3\nnote: 2 of 40 stacks have a gap: trace unknown 2\n"},
		{stalled, "12 samples in 4.00s, 120ms in 2 long ticks; lost 0\nnote: 1 of 12 stacks end early: no unwind row: libfoo.so 1\n"},
		{empty, "no sample in the window of 4.00s: the gateway used no CPU; lost 0\n"},
	} {
		var b bytes.Buffer
		if err := render.ProfileSummary(&b, tt.in); err != nil || b.String() != tt.want {
			t.Errorf("%v:\n%s\nwant\n%s", err, &b, tt.want)
		}
	}
}

func TestProfileFormat(t *testing.T) {
	for name, want := range map[string]string{
		"x.pb.gz": "pprof", "x.svg": "flame", "x.html": "flame.html", "a/x.folded": "folded", "x.speedscope.json": "speedscope", "x.json": "json",
		"x.jsonl": "json", "x.txt": "", "": "", "-": "",
	} {
		if got := render.ProfileFormat(name); got != want {
			t.Errorf("ProfileFormat(%q) = %q, want %q", name, got, want)
		}
	}
	err := render.Profile("xml", io.Discard, nil, profile.Summary{}, render.ProfileOptions{})
	if !hint.IsMisuse(err) || !strings.Contains(err.Error(), "flame, folded, json, pprof, speedscope, top") {
		t.Errorf("Profile(xml) = %v, want a misuse that names the formats", err)
	}
}
