package check

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// A tally is what became of an assertion that is asked of each sending.
type tally struct {
	asked, failed int
	why           string // the first one failed
}

// add counts a sending; why it failed, or "".
func (t *tally) add(why string) {
	t.asked++
	if why != "" {
		t.failed++
		t.why = cmp.Or(t.why, why)
	}
}

// clientSide is what a client saw of a request's sendings.
type clientSide struct {
	answered, status tally
	headers, json    []tally
	measured
}

func newClientSide(e *Expect, n needs) clientSide {
	return clientSide{headers: make([]tally, len(e.Headers)), json: make([]tally, len(e.JSON)), measured: measured{needs: n, unseen: true}}
}

func (c *clientSide) add(e *Expect, hidden secrets, a *Answer) {
	c.count(a.Status, a.Took)
	if a.Err != nil {
		c.answered.add(hidden.hide(a.Err.Error()))
		return
	}
	c.answered.add("")
	c.status.add(e.status(a.Status))
	for i := range e.Headers {
		c.headers[i].add(e.Headers[i].header(a.Header, hidden))
	}
	for i := range e.JSON {
		c.json[i].add(e.JSON[i].json(a.Body, hidden))
	}
}

// gatewaySide is what the gateway was seen to do with a request's sendings.
type gatewaySide struct {
	route, service, consumer, upstream tally
	measured
}

func (g *gatewaySide) add(e *Expect, x *trace.Exchange) {
	g.measured.add(x)
	n := &x.Names
	g.route.add(named(x, e.Route.Text, n.RouteID, n.RouteName))
	g.service.add(named(x, e.Service.Text, n.ServiceID, n.ServiceName))
	g.consumer.add(named(x, e.Consumer.Text, n.Consumer))
	g.upstream.add(upstreamed(x, e.Upstream.Text))
}

func (s Status) String() string {
	if s.From == s.To {
		return fmt.Sprint(s.From)
	}
	return fmt.Sprintf("%d-%d", s.From, s.To)
}

func (e *Expect) status(got int) string {
	for _, s := range e.Status {
		if s.From <= got && got <= s.To {
			return ""
		}
	}
	return fmt.Sprintf("it was %d", got)
}

// asked is the assertion as it is told.
func (p *Pair) asked() string {
	if p.Pattern != nil {
		return p.Name + " ~ " + p.written
	}
	return p.Name + " == " + p.written
}

func (p *Pair) meets(got string) bool {
	if p.Pattern != nil {
		return p.Pattern.MatchString(got)
	}
	return got == p.Value
}

func (p *Pair) header(h http.Header, hidden secrets) string {
	values := h.Values(p.Name)
	if len(values) == 0 {
		return "there was none"
	}
	got := strings.Join(values, ", ")
	if p.meets(got) {
		return ""
	}
	shown := (&logs.View{}).Value(&trace.Field{Name: p.Name, Value: got})
	return fmt.Sprintf("it was %.100q", hidden.hide(shown))
}

func (p *Pair) json(body []byte, hidden secrets) string {
	if !gjson.ValidBytes(body) {
		return fmt.Sprintf("the body is no JSON: %.60q", hidden.hide(string(body)))
	}
	got := gjson.GetBytes(body, p.Name)
	switch {
	case !got.Exists():
		return "there was none"
	case p.meets(got.String()):
		return ""
	}
	return fmt.Sprintf("it was %.100q", hidden.hide(got.String()))
}

// named compares what APISIX calls a part of a request: by its id, or by its name.
func named(x *trace.Exchange, want string, have ...string) string {
	if slices.Contains(have, want) {
		return ""
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
