package check

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/apisixscope/apisixscope/trace"
)

// Judge says what became of each assertion. blind says why the gateway's side could not be
// seen; empty where it was.
func (c *Collector) Judge(blind string) *Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	j := &judge{c: c, report: &Report{Plan: c.plan, Seen: c.total, Blind: blind}}
	if c.summary != nil {
		j.report.Lost = c.summary.Lost
	}
	for i := range c.plan.Requests {
		j.request(i)
	}
	for i := range c.plan.Observe {
		o, m := &c.plan.Observe[i], &c.watched[i]
		m.lost, m.unseen = c.lost(), blind != ""
		j.name, j.line = o.Name, o.Line
		for k := range o.Holds {
			if blind != "" { // a client sees nothing of the requests of others
				j.unjudged(o.Holds[k].Line, o.Holds[k].Text, errUnseen)
				continue
			}
			j.condition(&o.Holds[k], m)
		}
	}
	return j.report
}

type judge struct {
	c      *Collector
	report *Report
	name   string
	line   int
}

func (j *judge) add(line int, asked string, state State, measured, why string) {
	j.report.Results = append(j.report.Results, Result{
		Check: j.name, Line: cmp.Or(line, j.line), Asked: asked, State: state, Measured: measured, Why: why,
	})
}

func (j *judge) unjudged(line int, asked string, why error) {
	j.add(line, asked, Unjudged, "", why.Error())
}

func (j *judge) condition(c *Condition, m *measured) {
	held, have, err := c.judge(m)
	switch {
	case errors.Is(err, errUnseen):
		j.unjudged(c.Line, c.Text, err)
	case err != nil:
		j.add(c.Line, c.Text, Failed, "", err.Error())
	case held:
		j.add(c.Line, c.Text, Held, have, "")
	default:
		j.add(c.Line, c.Text, Failed, have, "")
	}
}

// each asserts something of each sending, and says how many failed and how the first did.
// none says why there is nothing to look at.
func each[T any](j *judge, line int, asked, none string, all []T, test func(*T) string) {
	var why string
	failed := 0
	for i := range all {
		if w := test(&all[i]); w != "" {
			failed++
			why = cmp.Or(why, w)
		}
	}
	switch {
	case len(all) == 0:
		j.add(line, asked, Failed, "", none)
	case failed == 0:
		j.add(line, asked, Held, count(len(all)), "")
	case len(all) == 1:
		j.add(line, asked, Failed, "", why)
	default:
		j.add(line, asked, Failed, "", fmt.Sprintf("%d of %d: %s", failed, len(all), why))
	}
}

func count(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

const (
	unsent     = "it was not sent"
	unanswered = "there was no answer"
	unseen     = "it was not seen in the gateway"
)

// request judges a request that was sent.
func (j *judge) request(i int) {
	q, sent := &j.c.plan.Requests[i], j.c.sent[i]
	j.name, j.line = q.Name, q.Line
	e := &q.Expect
	each(j, 0, "is answered", unsent, sent, func(s *Sent) string {
		if s.Err != nil {
			return s.Err.Error()
		}
		return ""
	})
	if len(e.Status) > 0 {
		each(j, e.statusPos, "status "+statuses(e.Status), unanswered, answered(sent), func(s *Sent) string { return e.status(s.Status) })
	}
	for k := range e.Headers {
		each(j, e.Headers[k].Line, "header "+e.Headers[k].asked(), unanswered, answered(sent), func(s *Sent) string { return e.Headers[k].header(s.Header) })
	}
	for k := range e.JSON {
		each(j, e.JSON[k].Line, "json "+e.JSON[k].asked(), unanswered, answered(sent), func(s *Sent) string { return e.JSON[k].json(s.Body) })
	}
	j.gateway(q, sent)
}

// gateway judges what only the gateway's side tells.
func (j *judge) gateway(q *Request, sent []Sent) {
	e := &q.Expect
	m := &measured{lost: j.c.lost()}
	var seen []*trace.Exchange
	for i := range sent {
		if x := j.c.seen[sent[i].ID]; x != nil {
			seen = append(seen, x)
			m.add(x)
		}
	}
	blind := j.report.Blind != ""
	const once = "is seen in the gateway, once each"
	words := []struct {
		what string
		want Word
		test func(*trace.Exchange, string) string
	}{
		{"route", e.Route, func(x *trace.Exchange, w string) string { return named(x, w, x.Names.RouteID, x.Names.RouteName) }},
		{"service", e.Service, func(x *trace.Exchange, w string) string { return named(x, w, x.Names.ServiceID, x.Names.ServiceName) }},
		{"consumer", e.Consumer, func(x *trace.Exchange, w string) string { return named(x, w, x.Names.Consumer) }},
		{"upstream", e.Upstream, upstreamed},
	}
	switch {
	case blind:
		j.unjudged(0, once, errUnseen)
		m = &measured{unseen: true}
		for i := range sent {
			m.count(sent[i].Status, sent[i].Took)
		}
	default:
		each(j, 0, once, unsent, sent, func(s *Sent) string { return j.once(s.ID) })
	}
	for _, w := range words {
		switch asked := w.what + " " + w.want.Text; {
		case w.want.Text == "":
		case blind:
			j.unjudged(w.want.Line, asked, errUnseen)
		default:
			each(j, w.want.Line, asked, unseen, seen, func(x **trace.Exchange) string { return w.test(*x, w.want.Text) })
		}
	}
	for k := range e.Holds {
		j.condition(&e.Holds[k], m)
	}
}

// once says what is wrong with how often a request was seen.
func (j *judge) once(id trace.TraceID) string {
	switch n := j.c.twice[id]; {
	case j.c.seen[id] == nil && j.c.lost() > 0:
		return fmt.Sprintf("%s, but events were lost: %d", unseen, j.c.lost())
	case j.c.seen[id] == nil:
		return unseen + ": was it another one that answered?"
	case n > 0:
		return fmt.Sprintf("it was seen %d times: something on the way repeats it", n+1)
	}
	return ""
}

func answered(sent []Sent) (all []Sent) {
	for _, s := range sent {
		if s.Err == nil {
			all = append(all, s)
		}
	}
	return all
}

func statuses(all []Status) string {
	var words []string
	for _, s := range all {
		switch {
		case s.From == s.To:
			words = append(words, fmt.Sprint(s.From))
		default:
			words = append(words, fmt.Sprintf("%d-%d", s.From, s.To))
		}
	}
	return strings.Join(words, " or ")
}

func (e *Expect) status(got int) string {
	for _, s := range e.Status {
		if s.From <= got && got <= s.To {
			return ""
		}
	}
	return fmt.Sprintf("it was %d", got)
}

func (p *Pair) asked() string {
	if p.Pattern != nil {
		return p.Name + " ~ " + p.Value
	}
	return p.Name + " == " + p.Value
}

func (p *Pair) meets(got string) string {
	if p.Pattern != nil && p.Pattern.MatchString(got) || p.Pattern == nil && got == p.Value {
		return ""
	}
	return fmt.Sprintf("it was %.100q", got)
}

func (p *Pair) header(h http.Header) string {
	values := h.Values(p.Name)
	if len(values) == 0 {
		return "there was none"
	}
	return p.meets(strings.Join(values, ", "))
}

func (p *Pair) json(body []byte) string {
	if !gjson.ValidBytes(body) {
		return fmt.Sprintf("the body is no JSON: %.60q", body)
	}
	got := gjson.GetBytes(body, p.Name)
	if !got.Exists() {
		return "there was none"
	}
	return p.meets(got.String())
}

// named compares what APISIX calls a part of a request: by its id, or by its name.
func named(x *trace.Exchange, want string, have ...string) string {
	for _, h := range have {
		if h == want {
			return ""
		}
	}
	name := strings.Join(slices.DeleteFunc(slices.Compact(have), func(s string) bool { return s == "" }), ", ")
	switch {
	case x.Names.From == trace.NamesUnread:
		return "the names of the request could not be read"
	case name == "":
		return "it had none"
	}
	return "it was " + name
}

// upstreamed compares the upstream's name, or a node that was tried.
func upstreamed(x *trace.Exchange, want string) string {
	if x.Names.Upstream == want {
		return ""
	}
	nodes := make([]string, 0, len(x.Attempts))
	for i := range x.Attempts {
		at := x.Attempts[i].PeerName
		if x.Attempts[i].Peer.IsValid() {
			at = x.Attempts[i].Peer.String()
		}
		nodes = append(nodes, at)
		if at == want || strings.HasPrefix(at, want+":") {
			return ""
		}
	}
	if len(nodes) == 0 {
		return "no node was tried"
	}
	return "it was " + strings.TrimSpace(x.Names.Upstream+" "+strings.Join(nodes, ", "))
}
