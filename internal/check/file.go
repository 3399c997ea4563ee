package check

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/apisixscope/apisixscope/trace"
)

// A Plan is what a file asks for.
type Plan struct {
	Name     string        // of the file
	For      time.Duration // how long to watch; 0 where the file does not say
	Requests []Request
	Observe  []Observe

	hidden secrets
}

// A Request is sent, and asserted on.
type Request struct {
	Name        string
	Line        int // of the file, where it begins
	Method, URL string
	Host        string // of the Host header; empty for the URL's
	Headers     map[string]string
	Body        string
	Repeat      int // how often it is sent
	Concurrency int
	Timeout     time.Duration
	Insecure    bool   // any certificate will do
	ServerName  string // of the certificate; empty for the URL's
	CAFile      string
	Expect      Expect
}

// Expect is asserted of each sending of a request, and of all together.
type Expect struct {
	Status     []Status // none: not asserted
	Headers    []Pair
	JSON       []Pair
	Route      Word
	Service    Word
	Consumer   Word
	Upstream   Word
	Holds      []Condition
	statusLine int
}

// Status is a range of HTTP status codes.
type Status struct{ From, To int }

// Pair is a header or a path into JSON, and what is to be there.
type Pair struct {
	Name, Value string
	Pattern     *regexp.Regexp // of the value; nil for equality
	Line        int
	written     string // the value, before variables were replaced
}

// Word is a name with the line that it is on; empty for none.
type Word struct {
	Text    string
	Line    int
	written string // before variables were replaced
}

// Observe is asserted of what passes by.
type Observe struct {
	Name   string
	Line   int
	Filter trace.Filter
	Holds  []Condition
}

// What bounds the load that a file can ask for.
const (
	maxRepeat      = 100_000
	maxConcurrency = 256
	maxFile        = 1 << 20
)

// Read reads the file at path, or what data holds of it. An error names line and column.
// env tells what ${NAME} stands for, and whether there is any.
func Read(path string, data []byte, env func(string) (string, bool)) (*Plan, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: it is larger than 1 MiB", path)
	}
	root, err := document(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	p := &Plan{Name: path, hidden: secrets{}}
	r := &reader{path: path, env: env, hidden: p.hidden}
	r.object(root, "the file", fields{
		"for":      func(n *yaml.Node) { p.For = r.period(n) },
		"requests": func(n *yaml.Node) { r.list(n, func(n *yaml.Node) { p.Requests = append(p.Requests, r.request(n)) }) },
		"observe":  func(n *yaml.Node) { r.list(n, func(n *yaml.Node) { p.Observe = append(p.Observe, r.observe(n)) }) },
	})
	if r.err == nil && len(p.Requests)+len(p.Observe) == 0 {
		r.fail(root, "it asserts nothing: it needs requests, or observe")
	}
	if r.err == nil {
		r.distinct(p)
	}
	return p, r.err
}

// document returns the only document of a file.
func document(data []byte) (*yaml.Node, error) {
	in := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if err := in.Decode(&first); err == io.EOF || err == nil && len(first.Content) == 0 {
		return nil, errors.New("it is empty: it needs requests, or observe")
	} else if err != nil {
		return nil, err
	}
	switch err := in.Decode(&second); {
	case err == nil:
		return nil, fmt.Errorf("line %d: here begins another document: a file has one", second.Line)
	case err != io.EOF:
		return nil, err
	}
	return first.Content[0], nil
}

// distinct sees to it that reports can tell the checks apart.
func (r *reader) distinct(p *Plan) {
	seen := map[string]int{}
	add := func(name string, line int) {
		if at := seen[name]; at != 0 && r.err == nil {
			r.err = fmt.Errorf("%s:%d: there is another %q on line %d: give it a name of its own", r.path, line, name, at)
		}
		seen[name] = line
	}
	for i := range p.Requests {
		add(p.Requests[i].Name, p.Requests[i].Line)
	}
	for i := range p.Observe {
		add(p.Observe[i].Name, p.Observe[i].Line)
	}
}
