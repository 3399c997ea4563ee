package check

import (
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/apisixscope/apisixscope/internal/text"
)

// Formats are the words for Write.
func Formats() []string { return []string{"github", "json", "junit", "text"} }

// Write writes a report in one of Formats.
func Write(w io.Writer, format string, r *Report) error {
	switch format {
	case "json":
		return writeJSON(w, r)
	case "junit":
		return writeJUnit(w, r)
	case "github":
		return writeGitHub(w, r)
	}
	return writeText(w, r)
}

var marks = map[State]string{Held: "ok    ", Failed: "FAILED", Unjudged: "?     "}

// writeText is for people: a line for each assertion below the name of its check.
func writeText(w io.Writer, r *Report) error {
	var b strings.Builder
	last := ""
	for i := range r.Results {
		one := &r.Results[i]
		if one.Check != last {
			last = one.Check
			fmt.Fprintln(&b, text.Clean(one.Check))
		}
		fmt.Fprintf(&b, "  %s  %s", marks[one.State], text.Clean(one.Asked))
		if told := one.told(); told != "" {
			fmt.Fprintf(&b, "  (%s)", text.Clean(told))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%s\n", r.words())
	_, err := io.WriteString(w, b.String())
	return err
}

// told is what there was, or why it is not known.
func (r *Result) told() string {
	switch {
	case r.Why == "":
		return r.Measured
	case r.Measured == "":
		return r.Why
	}
	return r.Why + ": " + r.Measured + " so far"
}

// words sums up.
func (r *Report) words() string {
	s := fmt.Sprintf("%d assertions: %d held, %d failed", len(r.Results), r.Count(Held), r.Count(Failed))
	if n := r.Count(Unjudged); n > 0 {
		s += fmt.Sprintf(", %d not judged", n)
	}
	var lost []string
	for _, cause := range slices.Sorted(maps.Keys(r.Lost)) {
		lost = append(lost, fmt.Sprintf("%s %d", cause, r.Lost[cause]))
	}
	if len(lost) > 0 {
		s += "; events were lost: " + strings.Join(lost, ", ")
	}
	if r.Blind != "" {
		s += "; only the client's side was seen: " + r.Blind
	}
	if r.Cut != "" {
		s += "; " + r.Cut
	}
	return text.Clean(s)
}

// writeJSON writes an object a line: the assertions, and a summary.
func writeJSON(w io.Writer, r *Report) error {
	var b []byte
	field := func(name, value string) {
		if value != "" {
			b = append(b, `,"`+name+`":`...)
			b = text.AppendJSON(b, value)
		}
	}
	for i := range r.Results {
		one := &r.Results[i]
		b = append(b, `{"type":"assertion"`...)
		field("check", one.Check)
		b = fmt.Appendf(b, `,"line":%d`, one.Line)
		field("asked", one.Asked)
		field("state", string(one.State))
		field("measured", one.Measured)
		field("why", one.Why)
		b = append(b, "}\n"...)
	}
	b = fmt.Appendf(b, `{"type":"summary","held":%d,"failed":%d,"not_judged":%d,"seen":%d,"lost":{`,
		r.Count(Held), r.Count(Failed), r.Count(Unjudged), r.Seen)
	for i, cause := range slices.Sorted(maps.Keys(r.Lost)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(text.AppendJSON(b, cause), `:%d`, r.Lost[cause])
	}
	b = append(b, '}')
	field("blind", r.Blind)
	field("cut", r.Cut)
	_, err := w.Write(append(b, "}\n"...))
	return err
}

// The elements of a JUnit report, as CI systems read them.
type (
	junitSuite struct {
		XMLName  xml.Name    `xml:"testsuite"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
		Out      string      `xml:"system-out"`
	}
	junitCase struct {
		Name    string     `xml:"name,attr"`
		Class   string     `xml:"classname,attr"`
		Failure *junitNote `xml:"failure"`
		Skipped *junitNote `xml:"skipped"`
		Out     string     `xml:"system-out,omitempty"`
	}
	junitNote struct {
		Message string `xml:"message,attr"`
	}
)

func writeJUnit(w io.Writer, r *Report) error {
	s := junitSuite{Name: text.Clean(r.Plan.Name), Tests: len(r.Results), Failures: r.Count(Failed), Skipped: r.Count(Unjudged), Out: r.words()}
	for i := range r.Results {
		one := &r.Results[i]
		c := junitCase{Name: text.Clean(one.Asked), Class: text.Clean(one.Check), Out: text.Clean(one.Measured)}
		note := &junitNote{Message: text.Clean(one.told())}
		switch one.State {
		case Failed:
			c.Failure = note
		case Unjudged:
			c.Skipped = note
		}
		s.Cases = append(s.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(s); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// writeGitHub writes workflow commands: GitHub shows them beside the line of the file.
func writeGitHub(w io.Writer, r *Report) error {
	var b strings.Builder
	for i := range r.Results {
		one := &r.Results[i]
		level := map[State]string{Failed: "error", Unjudged: "warning"}[one.State]
		if level == "" {
			continue
		}
		fmt.Fprintf(&b, "::%s file=%s,line=%d,title=%s::%s\n", level, property.Replace(r.Plan.Name), one.Line,
			property.Replace(text.Clean(one.Check)), data.Replace(text.Clean(one.Asked+": "+one.told())))
	}
	fmt.Fprintf(&b, "%s\n", data.Replace(r.words()))
	_, err := io.WriteString(w, b.String())
	return err
}

// As GitHub's own toolkit escapes what a workflow command is made of.
var (
	data     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
