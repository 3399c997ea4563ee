package testrig

// A Call is what the gateway asks of a service that is no upstream of the request.
type Call struct {
	Plugin string // that makes it; "" is none: Lua outside all plugins
	Phase  string // APISIX's: rewrite, access; "timer" belongs to no request
	Node   string // see Rig.Nodes
	By     CallBy
	Kept   bool // the connection goes back to a pool
}

// CallBy is the means by which Lua makes a Call.
type CallBy string

// The means of a call.
const (
	ByCosocket   CallBy = "cosocket"
	ByThread     CallBy = "thread" // a cosocket of a light thread that the plugin waits for
	BySubrequest CallBy = "subrequest"
	ByMirror     CallBy = "mirror" // nginx's own copy: its answer is thrown away
)

// Calls lists the calls of each of the route's requests in order; those by thread and the
// mirror's run at the same time as others. A call in the phase "timer" comes after the
// request, and its Record has no ID.
func (r Route) Calls() []Call {
	switch r.Kind {
	case Cosocket:
		return []Call{{"limit-count", "access", redisNode, ByCosocket, true}}
	case CosocketFresh:
		return []Call{{"limit-count", "access", redisNode, ByCosocket, false}}
	case Mirror:
		return []Call{{"proxy-mirror", "rewrite", "mirror", ByMirror, false}}
	case Subrequest:
		return []Call{{"auth-request", "access", "auth", BySubrequest, true}}
	case ForwardAuth:
		return []Call{{"forward-auth", "access", "auth", ByCosocket, true}}
	case OPA:
		return []Call{{"opa", "access", "opa", ByCosocket, true}}
	case OpenID:
		return []Call{{"openid-connect", "rewrite", "openid", ByCosocket, true}}
	case HTTPLogger:
		return []Call{{"http-logger", "timer", "collector", ByCosocket, false}}
	case TwoCalls:
		return []Call{
			{"forward-auth", "access", "auth", ByCosocket, true},
			{"limit-count", "access", redisNode, ByCosocket, true},
		}
	case FanOut:
		return []Call{
			{"fan-out", "access", "auth", ByThread, true},
			{"fan-out", "access", "opa", ByThread, true},
		}
	}
	return nil
}
