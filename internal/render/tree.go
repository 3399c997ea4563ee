package render

import (
	"io"
	"strconv"
	"strings"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// traceTree draws each exchange as a paragraph: what was answered, why, which part took
// the time, then the spans as a waterfall, then the details.
type traceTree struct {
	feed
	o Options
}

func newTraceTree(w io.Writer, o Options) trace.Sink {
	return &traceTree{feed: newFeed(w), o: o}
}

// Show draws one exchange and an empty line.
func (t *traceTree) Show(x *trace.Exchange) error {
	p := &page{buf: t.buf, width: t.o.width(), color: t.o.Color}
	headline(p, x)
	if route := routing(&x.Names); route != nil {
		p.paragraph("route", plain, route...)
	}
	if plugins := running(&x.Names); plugins != nil {
		p.paragraph("plugins", dim, plugins...)
	}
	if x.Reason != "" {
		p.paragraph("why", statusStyle(x.Status), words(x.Reason)...)
	}
	if most := x.Largest(); most.Duration > 0 {
		p.paragraph("largest", bold, words(partTitle(most.Name)+" "+elapsed(x, most.Duration)+share(most.Duration, x))...)
	}
	fall := newWaterfall(x, p.width)
	fall.draw(p, t.o.Evidence)
	if parts := breakdown(x); len(parts) > 0 {
		p.paragraph("parts", plain, parts...)
	}
	if x.CPU.Period > 0 {
		p.paragraph("cpu", plain, words(cpuWords(&x.CPU))...)
	}
	p.paragraph("client", dim, origin(x)...)
	for _, missing := range x.Incomplete {
		p.paragraph("missing", yellow, words(missing)...)
	}
	if fall.inferred {
		p.paragraph("~", dim, words(inferredLegend(t.o.Evidence))...)
	}
	p.end()
	return t.commit(p.buf)
}

// Summary has nothing to add to a tree: the talk on stderr has it.
func (t *traceTree) Summary(trace.Summary) error { return t.Flush() }

func inferredLegend(evidence bool) string {
	if evidence {
		return "inferred, not proved"
	}
	return "inferred, not proved: --evidence tells from what"
}

// headline says what was asked, what was answered by whom, and how long it took.
func headline(p *page, x *trace.Exchange) {
	status, from := "no response", ""
	if x.Status > 0 {
		status = strconv.Itoa(x.Status)
		from = source(x, p.width)
	}
	took := text.PadLeft(elapsed(x, x.Duration), 7)
	right := columns(status) + columns(from) + 2 + columns(took)

	p.put(dim, x.Start.Format("15:04:05.000 "))
	asked := method(x) + " " + target(x, p.width-p.used-columns(method(x))-right-3)
	p.put(bold, text.Truncate(asked, p.width-p.used-right-2))
	p.to(p.width - right)
	p.put(statusStyle(x.Status), status)
	p.put(dim, from)
	p.put(bold, "  "+took)
	p.end()
}

// source says who made the response; of APISIX's own, where there is room, by which plugin.
func source(x *trace.Exchange, width int) string {
	switch {
	case x.Source == "" || x.Source == trace.FromUnknown:
		return ""
	case x.Source == trace.FromAPISIX && x.Names.Plugin != "" && width >= 80:
		return " by apisix (" + text.Truncate(text.Clean(x.Names.Plugin), 24) + ")"
	}
	return " by " + string(x.Source)
}

func method(x *trace.Exchange) string {
	if x.Method == "" {
		return "-"
	}
	return text.Clean(x.Method)
}

func target(x *trace.Exchange, width int) string { return shorten(x.Host, x.Path, x.Query, width) }

// shorten returns host, path and query in at most width columns. What identifies a
// request is its path, so the host gives way first: to its first label, then wholly.
func shorten(host, path, query string, width int) string {
	host, path, query = text.Clean(host), text.Clean(path), text.Clean(query)
	if query != "" {
		query = "?" + query
	}
	first, _, more := strings.Cut(host, ".")
	if more {
		first += "…"
	}
	for _, s := range []string{host + path + query, host + path + "?…", host + path, first + path} {
		if columns(s) <= width && (query != "" || !strings.HasSuffix(s, "?…")) {
			return s
		}
	}
	return text.Truncate("…"+path, width)
}

// origin says who asked, how, and which worker answered.
func origin(x *trace.Exchange) []piece {
	var out []piece
	add := func(s string) { out = append(out, piece{" · ", s}) }
	if x.Client.IsValid() {
		add(address(x.Client))
	}
	add(protocol(x))
	if x.ConnectionRequest > 1 {
		add("request " + strconv.Itoa(x.ConnectionRequest) + " of its connection")
	}
	if x.PID > 0 {
		add("worker " + strconv.Itoa(x.PID))
	}
	if x.TraceID != (trace.TraceID{}) {
		add("trace " + hexText(x.TraceID[:]))
	}
	if id := requestID(x); id != "" {
		add("id " + text.Clean(id))
	}
	return out
}

func protocol(x *trace.Exchange) string {
	s := "HTTP"
	if x.Protocol != "" {
		s += "/" + text.Clean(x.Protocol)
	}
	if x.TLS {
		s += " over TLS"
	}
	return s
}

func words(s string) []piece {
	var out []piece
	for w := range strings.FieldsSeq(text.Clean(s)) {
		out = append(out, piece{" ", w})
	}
	return out
}
