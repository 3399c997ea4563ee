package render

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/profile"
)

// Report is a window for a page that is read afterwards, by people who were not there.
type Report struct {
	Title   string        // of the window, such as the name of its recording
	Version string        // of this program
	Began   time.Time     // of the window; its location is the gateway's, and all times are told in it
	Window  time.Duration // how long it was
	Cut     string        // where the recording was cut, in words; empty for a whole one
	Facts   []Fact        // of the gateway, in their order
	Secrets bool          // show credentials in queries and headers
	Seen    *Digest       // its requests and workers

	Profile *pprof.Profile  // nil for none
	Samples profile.Summary // of the profile
	// NoProfile says why there is none, in words; empty for nobody knows.
	NoProfile string
}

// Fact is something that is known of a gateway.
type Fact struct{ Name, Value string }

// What a page is made of. None has "</" in it: they stand within HTML as they are.
var (
	//go:embed report.html
	reportHTML string
	//go:embed report.css
	reportCSS string
	//go:embed report.js
	reportJS string
)

var reportTemplate = template.Must(template.New("report").Parse(reportHTML))

// WriteReport writes r as a page of HTML that needs nothing else and loads nothing. The
// same Report makes the same page.
func WriteReport(w io.Writer, r *Report) error {
	page, err := newReportPage(r)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := reportTemplate.Execute(&b, page); err != nil {
		return fmt.Errorf("draw report: %w", err)
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// policy allows a page its own scripts and style sheets, by what they hold, and nothing else.
func policy(scripts, styles []string) string {
	hashes := func(all []string) string {
		var out []string
		for _, s := range all {
			sum := sha256.Sum256([]byte(s))
			out = append(out, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
		}
		return strings.Join(out, " ")
	}
	return "default-src 'none'; script-src " + hashes(scripts) + "; style-src " + hashes(styles) + "; base-uri 'none'; form-action 'none'"
}

// reportPage is what the template shows. Its strings are clean.
type reportPage struct {
	*Report
	digest *Digest

	Policy   string
	CSS      template.CSS
	JS       template.JS
	Name     string // of the window
	Program  string // our version
	When     []Fact // the window's bounds, by zone
	Tiles    []tile
	Findings []finding
	About    []Fact
	Charts   []chart
	Axis     []tick
	Steps    reportTable // the charts' numbers
	Failures reportTable
	Slowest  reportTable
	Routes   reportTable
	Nodes    reportTable
	Workers  reportTable
	Heat     []heat
	Scale    []heatCell // of the heat, as a legend
	Plugins  reportTable
	Hot      reportTable
	Flame    template.HTML
	NoFlame  string
	Missing  []string
}

// tile is a number that stands out.
type tile struct{ Label, Value, Note, Level string }

func newReportPage(r *Report) (*reportPage, error) {
	p := &reportPage{Report: r, digest: r.Seen, CSS: template.CSS(reportCSS), JS: template.JS(reportJS), Name: text.Clean(r.Title), Program: text.Clean(r.Version)}
	if r.Began.IsZero() {
		p.Began = p.digest.began
	}
	p.When, p.Tiles, p.Findings = p.when(), p.tiles(), p.findings()
	for _, f := range r.Facts {
		p.About = append(p.About, Fact{text.Clean(f.Name), text.Clean(f.Value)})
	}
	p.draw()
	p.tabulate()
	p.Heat, p.Scale = p.heat()
	p.Missing = p.missing()
	if err := p.flame(); err != nil {
		return nil, err
	}
	scripts, styles := []string{reportJS}, []string{reportCSS}
	if p.Flame != "" {
		scripts, styles = append(scripts, "\n"+flameJS), append(styles, "\n"+flameCSS)
	}
	p.Policy = policy(scripts, styles)
	return p, nil
}

// when tells the window's bounds in the gateway's zone, and in UTC where that is another.
func (p *reportPage) when() []Fact {
	began, ended := p.local(p.Began), p.local(p.Began.Add(p.Window))
	told := func(zone string, from, to time.Time) Fact {
		const day = "2 January 2006, "
		end := "15:04:05"
		if from.Format(day) != to.Format(day) {
			end = day + end
		}
		return Fact{zone, from.Format(day+"15:04:05") + " to " + to.Format(end)}
	}
	out := []Fact{told(zone(began), began, ended)}
	if _, offset := began.Zone(); offset != 0 {
		out = append(out, told("UTC", began.UTC(), ended.UTC()))
	}
	return out
}

// zone names the zone of a time by what it is off UTC.
func zone(t time.Time) string {
	if _, offset := t.Zone(); offset == 0 {
		return "UTC"
	}
	return t.Format("UTC-07:00")
}

// local is a time in the gateway's zone.
func (p *reportPage) local(t time.Time) time.Time { return t.In(p.Began.Location()) }

// clock is the time of day in the gateway's zone.
func (p *reportPage) clock(t time.Time) string { return p.local(t).Format("15:04:05") }

// Zone is the gateway's, for the template.
func (p *reportPage) Zone() string { return zone(p.Began) }

// tiles are the numbers that one asks for first.
func (p *reportPage) tiles() []tile {
	t := p.digest.requests.Total()
	rate := "-"
	if p.Window > 0 {
		rate = number(float64(t.Requests)/p.Window.Seconds()) + " a second"
	}
	level := func(bad bool) string {
		if bad {
			return "bad"
		}
		return "good"
	}
	lost := losses(p.digest.sum.Lost)
	causes := "of all events"
	if n, why, found := strings.Cut(lost, ": "); found {
		lost, causes = strings.TrimSuffix(n, " events"), why
	}
	return []tile{
		{"requests", count(t.Requests), rate, ""},
		{"failed", count(t.Errors), portion(t.Errors, t.Requests) + ", no answer or 5xx", level(t.Errors > 0)},
		{"refused", count(t.Classes[4]), portion(t.Classes[4], t.Requests) + ", 4xx", ""},
		{"p50", lasted(t.P50), "half took no longer", ""},
		{"p99", lasted(t.P99), "at most " + lasted(t.Max), ""},
		{"tried again", count(p.digest.retried), count(p.digest.rescued) + " of them were answered", ""},
		{"lost", text.Clean(lost), text.Clean(causes), level(lost != "0")},
	}
}

// lasted is a duration, where there is one.
func lasted(d time.Duration) string {
	if d < 0 {
		return "-"
	}
	return text.Duration(d)
}

// number is a rate with three digits or so.
func number(f float64) string {
	switch {
	case f >= 100:
		return count(uint64(f + 0.5))
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.2f", f)
}

// sentence begins with a capital, and ends.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
