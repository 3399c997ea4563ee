package pages

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// statusLook tells the classes of HTTP statuses apart. 0 is a response that never came.
func statusLook(status int) parts.Look {
	switch {
	case status == 0 || status >= 500:
		return parts.Alarm
	case status >= 400:
		return parts.Yellow
	case status >= 300:
		return parts.Cyan
	}
	return parts.Green
}

func status(x *trace.Exchange) string {
	if x.Status == 0 {
		return "none"
	}
	return strconv.Itoa(x.Status)
}

// address returns host, path and query in a width. A path says more than its host, so the
// host gives way first.
func address(x *trace.Exchange, width int) string {
	host, path := text.Clean(x.Host), text.Clean(x.Path)
	whole := host + path
	if x.Query != "" {
		whole += "?" + text.Clean(x.Query)
	}
	first, _, more := strings.Cut(host, ".")
	if more {
		first += "…"
	}
	for _, s := range []string{whole, host + path, first + path} {
		if parts.Columns(s) <= width {
			return s
		}
	}
	return text.Truncate("…"+path, width)
}

func routeOf(x *trace.Exchange) string {
	name := cmp.Or(x.Names.RouteName, x.Names.RouteID, "-")
	if x.Names.From == trace.NamesComputed {
		name = "~" + name
	}
	return text.Clean(name)
}

func orDash(d time.Duration) string {
	if d < 0 {
		return "-"
	}
	return text.Duration(d)
}

// largest names the part that took most of the time, and its share.
func largest(x *trace.Exchange) string {
	most := x.Largest()
	if most.Duration <= 0 {
		return "-"
	}
	name := strings.ReplaceAll(most.Name, "_", " ")
	if x.Duration > 0 && most.Duration <= x.Duration {
		name += " (" + strconv.Itoa(int(100*most.Duration/x.Duration)) + "%)"
	}
	return name
}

// node names the upstream node that was tried last.
func node(x *trace.Exchange) string {
	if len(x.Attempts) == 0 {
		return "-"
	}
	return peer(&x.Attempts[len(x.Attempts)-1])
}

func peer(a *trace.Attempt) string {
	if a.Peer.IsValid() {
		return a.Peer.String()
	}
	return text.Clean(cmp.Or(a.PeerName, "-"))
}

func client(x *trace.Exchange) string {
	if x.Client.IsValid() {
		return x.Client.String()
	}
	return "-"
}
