package render

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// elapsed returns a time of x as exactly as it is known.
func elapsed(x *trace.Exchange, d time.Duration) string {
	switch {
	case d < 0:
		return "-"
	case x.Clock == "ms" && d < 10*time.Second && d%time.Millisecond == 0:
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	}
	return text.Duration(d)
}

// share returns " (81%)", the share that d has of the whole.
func share(d time.Duration, x *trace.Exchange) string {
	if x.Duration <= 0 || d > x.Duration {
		return ""
	}
	return " (" + strconv.Itoa(int(100*d/x.Duration)) + "%)"
}

func partTitle(name string) string { return strings.ReplaceAll(name, "_", " ") }

// breakdown returns the parts of the time in their order; a part of no length is left
// out, as the connect of a reused connection is.
func breakdown(x *trace.Exchange) []piece {
	var out []piece
	add := func(name string, d time.Duration, note string) {
		if d > 0 {
			out = append(out, piece{then, name + " " + elapsed(x, d) + note})
		}
	}
	t := &x.Timing
	queued := ""
	switch {
	case t.GatewayQueue > 0 && t.Lua > 0:
		queued = " (queued " + elapsed(x, t.GatewayQueue) + ", Lua " + elapsed(x, t.Lua) + ")"
	case t.GatewayQueue > 0:
		queued = " (queued " + elapsed(x, t.GatewayQueue) + ")"
	case t.Lua > 0:
		queued = " (Lua " + elapsed(x, t.Lua) + ")"
	}
	add("client read", t.ClientRead, "")
	add("gateway", t.Gateway, queued)
	for i := range x.Attempts {
		out = append(out, attemptParts(x, i)...)
	}
	add("gateway response", t.GatewayResponse, "")
	add("client write", t.ClientWrite, "")
	return out
}

func attemptParts(x *trace.Exchange, i int) []piece {
	a := &x.Attempts[i]
	name, join := "upstream", then
	if len(x.Attempts) > 1 {
		name = "attempt " + strconv.Itoa(i+1)
	}
	name += connection(a) + " "
	var out []piece
	for _, p := range []trace.Part{
		{Name: "connect", Duration: a.Connect}, {Name: "tls", Duration: a.TLS}, {Name: "send", Duration: a.Send},
		{Name: "wait", Duration: a.Wait}, {Name: "read", Duration: a.Read},
	} {
		if p.Duration > 0 {
			out = append(out, piece{join, name + p.Name + " " + elapsed(x, p.Duration)})
			name, join = "", ", "
		}
	}
	return out
}

// connection says whether an attempt had a connection to itself, where that was seen.
func connection(a *trace.Attempt) string {
	switch {
	case !a.Local.IsValid():
		return ""
	case !a.Reused:
		return " (new)"
	case a.Age > 0:
		return " (reused, " + text.Duration(a.Age) + " old)"
	}
	return " (reused)"
}

func address(a netip.AddrPort) string {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).String()
}

func hexText(b []byte) string { return hex.EncodeToString(b) }
