package check

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"strings"
)

// An End is how a run ended.
type End struct {
	Blind string // why the gateway's side could not be seen; empty where it was
	Cut   string // what ended it before all was done, in a word; empty if nothing did
}

// What is told of an assertion when there is nothing to look at.
const (
	unanswered = "there was no answer"
	unseen     = "it was not seen in the gateway"
	unsent     = "it was not sent before the time was over: --for gives it more"
)

// Judge says what became of each assertion.
func (c *Collector) Judge(end End) *Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	j := &judge{c: c, end: end, report: &Report{Plan: c.plan, Seen: c.seen, Lost: maps.Clone(c.lost), End: end}}
	for i := range c.plan.Requests {
		j.request(&c.plan.Requests[i], &c.requests[i])
	}
	for i := range c.plan.Observe {
		o, m := &c.plan.Observe[i], &c.observed[i]
		m.lost, m.unseen = c.losses(), end.Blind != ""
		j.name, j.line = o.Name, o.Line
		for k := range o.Holds {
			if m.unseen { // a client sees nothing of the requests of others
				j.add(o.Holds[k].Line, o.Holds[k].Text, Unjudged, "", errUnseen.Error())
				continue
			}
			j.condition(&o.Holds[k], m, end.Cut)
		}
	}
	return j.report
}

// judge writes a report, check by check.
type judge struct {
	c      *Collector
	end    End
	report *Report
	name   string
	line   int
}

func (j *judge) add(line int, asked string, state State, measured, why string) {
	j.report.Results = append(j.report.Results, Result{
		Check: j.name, Line: cmp.Or(line, j.line), Asked: asked, State: state,
		Measured: j.c.plan.hidden.hide(measured), Why: j.c.plan.hidden.hide(why),
	})
}

// request judges a request that was to be sent.
func (j *judge) request(q *Request, r *requested) {
	j.name, j.line = q.Name, q.Line
	e := &q.Expect
	answered := r.client.answered
	if j.end.Cut == "" {
		for range q.Repeat - r.back {
			answered.add(unsent)
		}
	}
	j.each(0, "is answered", answered, unsent)
	if len(e.Status) > 0 {
		j.each(e.statusLine, "status "+statuses(e.Status), r.client.status, unanswered)
	}
	for i := range e.Headers {
		j.each(e.Headers[i].Line, "header "+e.Headers[i].asked(), r.client.headers[i], unanswered)
	}
	for i := range e.JSON {
		j.each(e.JSON[i].Line, "json "+e.JSON[i].asked(), r.client.json[i], unanswered)
	}
	j.gateway(e, r)
	m := &r.gateway.measured
	if m.lost = j.c.losses(); j.end.Blind != "" {
		m = &r.client.measured
	}
	cut := j.end.Cut
	if r.back == q.Repeat {
		cut = "" // all of it was done before
	}
	for i := range e.Holds {
		j.condition(&e.Holds[i], m, cut)
	}
}

// gateway judges what only the gateway's side tells.
func (j *judge) gateway(e *Expect, r *requested) {
	g := &r.gateway
	var once tally
	for _, s := range r.sendings {
		if s.back && !s.void {
			once.add(j.once(s))
		}
	}
	j.beyond(Word{written: "is seen in the gateway, once each"}, "", once, unsent)
	j.beyond(e.Route, "route ", g.route, unseen)
	j.beyond(e.Service, "service ", g.service, unseen)
	j.beyond(e.Consumer, "consumer ", g.consumer, unseen)
	j.beyond(e.Upstream, "upstream ", g.upstream, unseen)
}

// beyond judges what a client cannot see.
func (j *judge) beyond(w Word, what string, t tally, none string) {
	switch asked := what + w.written; {
	case w.written == "": // it is not asked
	case j.end.Blind != "":
		j.add(w.Line, asked, Unjudged, "", errUnseen.Error())
	default:
		j.each(w.Line, asked, t, none)
	}
}

// once says what is wrong with how often a sending was seen.
func (j *judge) once(s *sending) string {
	switch lost := j.c.losses(); {
	case s.times == 0 && lost > 0:
		return fmt.Sprintf("%s, but events were lost: %d", unseen, lost)
	case s.times == 0:
		return unseen + ": was it another one that answered?"
	case s.times > 1:
		return fmt.Sprintf("it was seen %d times: something on the way repeats it", s.times)
	}
	return ""
}

// each judges what is asked of each sending. none says why there is none to ask it of.
func (j *judge) each(line int, asked string, t tally, none string) {
	switch {
	case t.asked == 0 && j.end.Cut != "":
		j.add(line, asked, Unjudged, "", j.end.Cut)
	case t.asked == 0:
		j.add(line, asked, Failed, "", none)
	case t.failed == 0:
		j.add(line, asked, Held, times(t.asked), "")
	case t.asked == 1:
		j.add(line, asked, Failed, "", t.why)
	default:
		j.add(line, asked, Failed, "", fmt.Sprintf("%d of %d: %s", t.failed, t.asked, t.why))
	}
}

// condition judges what is asked of all together; cut says why they are not all.
func (j *judge) condition(c *Condition, m *measured, cut string) {
	held, have, err := c.judge(m)
	switch {
	case errors.Is(err, errUnseen), errors.Is(err, errTooMany):
		j.add(c.Line, c.Text, Unjudged, "", err.Error())
	case cut != "":
		j.add(c.Line, c.Text, Unjudged, have, cut)
	case err != nil:
		j.add(c.Line, c.Text, Failed, "", err.Error())
	case held:
		j.add(c.Line, c.Text, Held, have, "")
	default:
		j.add(c.Line, c.Text, Failed, have, "")
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func statuses(all []Status) string {
	words := make([]string, len(all))
	for i, s := range all {
		words[i] = s.String()
	}
	return strings.Join(words, " or ")
}
