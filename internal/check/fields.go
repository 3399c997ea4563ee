package check

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/apisixscope/apisixscope/logs"
)

func (r *reader) request(n *yaml.Node) Request {
	q := Request{Line: n.Line, Method: "GET", Repeat: 1, Concurrency: 1, Timeout: 10 * time.Second}
	var written string // the URL
	r.object(n, "a request", fields{
		"name": func(n *yaml.Node) { q.Name = r.hidden.hide(r.text(n)) },
		"method": func(n *yaml.Node) {
			if q.Method = strings.ToUpper(r.text(n)); !token.MatchString(q.Method) {
				r.fail(n, "%q is no method", q.Method)
			}
		},
		"url":         func(n *yaml.Node) { q.URL, written = r.url(n), logs.HideURL(r.written(n)) },
		"host":        func(n *yaml.Node) { q.Host = r.text(n) },
		"headers":     func(n *yaml.Node) { q.Headers = r.headers(n) },
		"body":        func(n *yaml.Node) { q.Body = r.text(n) },
		"repeat":      func(n *yaml.Node) { q.Repeat = r.number(n, 1, maxRepeat) },
		"concurrency": func(n *yaml.Node) { q.Concurrency = r.number(n, 1, maxConcurrency) },
		"timeout":     func(n *yaml.Node) { q.Timeout = r.period(n) },
		"insecure":    func(n *yaml.Node) { q.Insecure = r.truth(n) },
		"server_name": func(n *yaml.Node) { q.ServerName = r.text(n) },
		"ca_file":     func(n *yaml.Node) { q.CAFile = r.file(n) },
		"expect":      func(n *yaml.Node) { q.Expect = r.expect(n) },
	})
	switch {
	case r.err != nil:
	case q.URL == "":
		r.fail(n, "a request needs a url, such as http://127.0.0.1:9080/orders")
	case q.Name == "":
		q.Name = q.Method + " " + written
	}
	return q
}

func (r *reader) expect(n *yaml.Node) (e Expect) {
	r.object(n, "expect", fields{
		"status": func(n *yaml.Node) {
			e.statusLine = n.Line
			r.each(n, func(n *yaml.Node) { e.Status = append(e.Status, r.status(n)) })
		},
		"headers":  func(n *yaml.Node) { e.Headers = r.pairs(n) },
		"json":     func(n *yaml.Node) { e.JSON = r.pairs(n) },
		"route":    func(n *yaml.Node) { e.Route = r.word(n) },
		"service":  func(n *yaml.Node) { e.Service = r.word(n) },
		"consumer": func(n *yaml.Node) { e.Consumer = r.word(n) },
		"upstream": func(n *yaml.Node) { e.Upstream = r.word(n) },
		"holds":    func(n *yaml.Node) { r.each(n, func(n *yaml.Node) { e.Holds = append(e.Holds, r.condition(n)) }) },
	})
	return e
}

func (r *reader) observe(n *yaml.Node) Observe {
	o := Observe{Line: n.Line}
	o.Filter.Sample = 1
	filter := func(add func(string) error) func(*yaml.Node) {
		return func(n *yaml.Node) {
			r.each(n, func(n *yaml.Node) {
				if err := add(r.text(n)); err != nil {
					r.fail(n, "%v", err)
				}
			})
		}
	}
	r.object(n, "observe", fields{
		"name": func(n *yaml.Node) { o.Name = r.hidden.hide(r.text(n)) },
		"host": filter(o.Filter.AddHost), "path": filter(o.Filter.AddPath), "method": filter(o.Filter.AddMethod),
		"status": filter(o.Filter.AddStatus), "client": filter(o.Filter.AddClient), "upstream": filter(o.Filter.AddUpstream),
		"route": filter(o.Filter.AddRoute), "service": filter(o.Filter.AddService), "consumer": filter(o.Filter.AddConsumer),
		"holds": func(n *yaml.Node) { r.each(n, func(n *yaml.Node) { o.Holds = append(o.Holds, r.condition(n)) }) },
	})
	switch {
	case r.err != nil:
	case len(o.Holds) == 0:
		r.fail(n, "observe asserts nothing: it needs holds, such as ['errors < 1%%']")
	case o.Name == "":
		o.Name = fmt.Sprintf("observe, line %d", n.Line)
	}
	return o
}

var token = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// ours are the headers that the tool itself sets, to know its requests again.
var ours = []string{"traceparent", "tracestate"}

func (r *reader) headers(n *yaml.Node) map[string]string {
	all := map[string]string{}
	r.pairsOf(n, func(key, value *yaml.Node) {
		name := key.Value
		switch {
		case !token.MatchString(name):
			r.fail(key, "%q is no name of a header", name)
		case slices.Contains(ours, strings.ToLower(name)):
			r.fail(key, "%s is set by the tool, which knows its requests by it", name)
		case strings.EqualFold(name, "host"):
			r.fail(key, "write host: beside url:, not among the headers")
		}
		if all[name] = r.text(value); strings.ContainsAny(all[name], "\r\n") {
			r.fail(value, "a header's value has no line breaks")
		}
	})
	return all
}

// status reads 404, 5xx or 500-504.
func (r *reader) status(n *yaml.Node) Status {
	word := r.text(n)
	var s Status
	if len(word) == 3 && strings.HasSuffix(strings.ToLower(word), "xx") && '1' <= word[0] && word[0] <= '5' {
		s.From = int(word[0]-'0') * 100
		s.To = s.From + 99
		return s
	}
	if _, err := fmt.Sscanf(word, "%d-%d", &s.From, &s.To); err != nil {
		if _, err := fmt.Sscanf(word, "%d", &s.From); err == nil && fmt.Sprint(s.From) == word {
			s.To = s.From
		}
	}
	if s.From < 100 || s.To > 599 || s.From > s.To {
		r.fail(n, "%q is no status: write 404, 5xx or 500-504", word)
	}
	return s
}

// file reads a path that is relative to the working directory.
func (r *reader) file(n *yaml.Node) string {
	path := r.text(n)
	if _, err := os.Stat(path); err != nil && r.err == nil {
		r.fail(n, "%v", err)
	}
	return path
}
