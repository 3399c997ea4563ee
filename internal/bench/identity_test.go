package bench

import "github.com/apisixscope/apisixscope/internal/testrig"

// An identity is what the access log and a trace both say of a request.
type identity struct {
	port, number int
	status       int
	line         string
}

// statusClientClosed is nginx's own status for a client that did not wait. It is never
// sent, so for a trace such a request may have no status.
const statusClientClosed = 499

func loggedIdentity(l testrig.AccessLine) identity {
	return identity{l.ClientPort, l.ConnectionSeq, sentStatus(l.Status), l.Request}
}

func (x *traced) identity() identity {
	target := x.Path
	if x.Query != "" {
		target += "?" + x.Query
	}
	version := x.Version
	if version == "2" {
		version = "2.0" // as nginx writes it
	}
	return identity{x.ClientPort, x.ConnectionRequest, sentStatus(x.Status), x.Method + " " + target + " HTTP/" + version}
}

func sentStatus(status int) int {
	if status == statusClientClosed {
		return 0
	}
	return status
}
