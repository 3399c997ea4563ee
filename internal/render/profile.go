package render

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/profile"
)

// ProfileOptions tell a renderer of profiles what to show.
type ProfileOptions struct {
	Options
	// By is a label, by whose values stacks are shown apart, or profile.ByFunction for none.
	By      string
	Title   string // of what was profiled
	Version string // of this program
}

// profilePage is what a renderer of profiles has at hand.
type profilePage struct {
	ProfileOptions
	p   *pprof.Profile
	sum profile.Summary
}

var profileFormats = map[string]func(io.Writer, *profilePage) error{
	"top":        writeTop,
	"pprof":      func(w io.Writer, g *profilePage) error { return g.p.Write(w) },
	"folded":     writeFolded,
	"flame":      writeFlameSVG,
	"speedscope": writeSpeedscope,
	"json":       writeProfileJSON,
	flameHTML:    writeFlameHTML,
}

// flameHTML is flame to a file that is to be no SVG. It is not for users to ask for: the
// file's name does.
const flameHTML = "flame.html"

// Profile writes a profile on w in the named format. An unknown format is misuse.
func Profile(format string, w io.Writer, p *pprof.Profile, sum profile.Summary, o ProfileOptions) error {
	write, ok := profileFormats[format]
	if !ok {
		return UnknownFormat(format, ProfileFormats())
	}
	if err := write(w, &profilePage{o, p, sum}); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// ProfileFormats returns the formats that Profile knows, in alphabetical order.
func ProfileFormats() []string {
	all := slices.Sorted(maps.Keys(profileFormats))
	return slices.DeleteFunc(all, func(f string) bool { return f == flameHTML })
}

// ProfileFormat returns what a file of this name holds if nobody says: "" for any other.
func ProfileFormat(name string) string {
	for _, e := range []struct{ end, format string }{
		{".pb.gz", "pprof"}, {".pb", "pprof"}, {".pprof", "pprof"}, {".svg", "flame"}, {".html", flameHTML}, {".htm", flameHTML},
		{".folded", "folded"}, {".collapsed", "folded"}, {".speedscope.json", "speedscope"}, {".json", "json"}, {".jsonl", "json"},
	} {
		if strings.HasSuffix(name, e.end) {
			return e.format
		}
	}
	return ""
}

// IsFlame reports whether a format is a flame graph, as SVG or within a page.
func IsFlame(format string) bool { return format == "flame" || format == flameHTML }

// ProfileSummary writes, for people, what a window saw and what it could not see.
func ProfileSummary(w io.Writer, s profile.Summary) error {
	var b strings.Builder
	window := text.Duration(s.Window)
	if s.Samples == 0 {
		fmt.Fprintf(&b, "no sample in the window of %s: %s; lost %s\n", window, emptyReason(s.Kind), losses(s.Lost))
	} else {
		fmt.Fprintf(&b, "%s samples in %s, %s; lost %s\n", count(s.Samples), window, weighed(s), losses(s.Lost))
	}
	for _, line := range gaps(s) {
		fmt.Fprintf(&b, "note: %s\n", line)
	}
	for _, note := range s.Notes {
		fmt.Fprintf(&b, "note: %s\n", text.Clean(note))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func emptyReason(k profile.Kind) string {
	switch k {
	case profile.OffCPU:
		return "no thread of the gateway was blocked for long"
	case profile.Stall:
		return "the event loops were never blocked for so long"
	}
	return "the gateway used no CPU"
}

// weighed tells what all samples stand for.
func weighed(s profile.Summary) string {
	d := text.Duration(s.Weight)
	switch s.Kind {
	case profile.OffCPU:
		return d + " blocked"
	case profile.Stall:
		return fmt.Sprintf("%s in %s long ticks", d, count(uint64(s.Ticks)))
	}
	return d + " of CPU" + ofACore(int64(s.Weight), s.Window)
}

// ofACore is a share of one core in a window; empty for a window of nothing.
func ofACore(ns int64, window time.Duration) string {
	if window <= 0 {
		return ""
	}
	return ", " + percent(float64(ns)/float64(window)) + " of a core"
}

// gaps tells of which samples something is missing.
func gaps(s profile.Summary) []string {
	var out []string
	tell := func(what string, n map[string]uint64) {
		var sum uint64
		var why []string
		for _, cause := range byCount(n) {
			sum += n[cause]
			why = append(why, text.Clean(cause)+" "+count(n[cause]))
		}
		if sum > 0 {
			out = append(out, fmt.Sprintf("%s of %s stacks %s: %s", count(sum), count(s.Samples), what, strings.Join(why, ", ")))
		}
	}
	tell("end early", s.Truncated)
	tell("have a gap", s.Missing)
	if s.Coarse > 0 {
		out = append(out, fmt.Sprintf("of %s samples less detail was kept: there were too many different stacks", count(s.Coarse)))
	}
	return out
}

// percent writes a share with three digits or so.
func percent(share float64) string {
	switch p := share * 100; {
	case p >= 99.95:
		return strconv.FormatFloat(p, 'f', 0, 64) + "%"
	default:
		return strconv.FormatFloat(p, 'f', 1, 64) + "%"
	}
}

// group is the value of a sample's label that it is shown by; what has none is in
// brackets. Empty, if samples are not shown apart.
func (g *profilePage) group(s *pprof.Sample) string {
	if !g.apart() {
		return ""
	}
	return profile.Group(s, g.By)
}

func (g *profilePage) apart() bool { return g.By != "" && g.By != profile.ByFunction }

// frameName tells functions apart that have the same name in different files, as those of
// plugins have.
func frameName(l *pprof.Location) string {
	f := l.Line[0].Function
	if f.Filename == "" {
		return f.Name
	}
	return f.Name + " (" + place(f.Filename, f.StartLine) + ")"
}

// place is a file, as short as it is yet known, and a line if that is.
func place(file string, line int64) string {
	if file = profile.ShortFile(file); line > 0 {
		file += ":" + strconv.FormatInt(line, 10)
	}
	return file
}
