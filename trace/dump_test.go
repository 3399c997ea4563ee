package trace_test

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

func gist(x *trace.Exchange) string {
	g := fmt.Sprintf("%s %s %d %s", x.Method, x.Path, x.Status, x.Source)
	if x.ErrType != "" {
		g += " [" + x.ErrType + "]"
	}
	return g
}

// dump writes an exchange for golden files: a fact a line, without the ids that are random.
func dump(began time.Time, x *trace.Exchange) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s", gist(x))
	line("  asked    host %q query %q http/%s tls %v id %q request %d of its connection", x.Host, x.Query, x.Protocol, x.TLS, x.RequestID, x.ConnectionRequest)
	line("  between  %s and %s, received %d, sent %d", place(x.Client), place(x.Server), x.Received, x.Sent)
	line("  time     +%v for %v, clock %s", x.Start.Sub(began), x.Duration, x.Clock)
	if x.Parent != (trace.SpanID{}) {
		line("  trace    %s below %s", hex.EncodeToString(x.TraceID[:]), hex.EncodeToString(x.Parent[:]))
	}
	if x.Reason != "" {
		line("  why      %s", x.Reason)
	}
	t := x.Timing
	line("  timing   client_read %v, gateway %v (queue %v), gateway_response %v, client_write %v",
		seen(t.ClientRead), seen(t.Gateway), seen(t.GatewayQueue), seen(t.GatewayResponse), seen(t.ClientWrite))
	largest := x.Largest()
	line("  largest  %s %v", largest.Name, largest.Duration)
	for i := range x.Attempts {
		dumpAttempt(line, began, i+1, &x.Attempts[i])
	}
	for i := range x.Spans {
		dumpSpan(line, began, x, &x.Spans[i])
	}
	for _, s := range x.Incomplete {
		line("  missing  %s", s)
	}
	return b.String()
}

func dumpAttempt(line func(string, ...any), began time.Time, n int, t *trace.Attempt) {
	how := "new"
	if t.Reused {
		how = fmt.Sprintf("reused, %v old", seen(t.Age))
	}
	line("  attempt  %d %q %s status %d, exchange %d (%s), sent %d, received %d", n, t.PeerName, place(t.Peer), t.Status, t.Exchange, how, t.Sent, t.Received)
	start := "?"
	if !t.Start.IsZero() {
		start = t.Start.Sub(began).String()
	}
	line("           +%s for %v: connect %v, tls %v, send %v, wait %v, read %v", start, seen(t.Duration),
		seen(t.Connect), seen(t.TLS), seen(t.Send), seen(t.Wait), seen(t.Read))
	if t.ErrType != "" || t.Reason != "" {
		line("           %s: %s", t.ErrType, t.Reason)
	}
	line("           %s: %s", t.Confident, t.Evidence)
}

func dumpSpan(line func(string, ...any), began time.Time, x *trace.Exchange, s *trace.Span) {
	parent := slices.IndexFunc(x.Spans, func(p trace.Span) bool { return p.ID == s.Parent })
	below := "top"
	switch {
	case parent >= 0 && s.Attempt >= 0 && s.Evidence == x.Attempts[s.Attempt].Evidence:
		below = fmt.Sprintf("below %d", parent)
	case parent >= 0:
		below = fmt.Sprintf("below %d, %s: %s", parent, s.Confident, s.Evidence)
	}
	role := [...]string{"?", "client side", "gateway", "attempt", "call", "upstream", "phase"}[s.Role]
	line("  span     %c %s %q, pid %d %s+%v for %v, status %d %s", s.Mark, role, s.Name, s.PID, space(s.Process), s.Start.Sub(began), seen(s.Duration), s.Status, s.ErrType)
	line("           %s to %s, sent %d, received %d, attempt %d, seq %d; %s", place(s.Local), place(s.Peer), s.Sent, s.Received, s.Attempt, s.TCPSeq, below)
}

func space(s string) string { return strings.TrimPrefix(s+" ", " ") }

func seen(d time.Duration) string {
	if d == -1 {
		return "-"
	}
	return d.String()
}

func place(a netip.AddrPort) string {
	if !a.IsValid() {
		return "-"
	}
	return a.String()
}
