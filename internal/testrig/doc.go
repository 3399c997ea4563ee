// Package testrig is the test gateway: an nginx with the Lua module configured
// the way APISIX is, upstreams that write down what they received, and a load
// generator. It runs under go test and behind `apisixscope demo`.
//
//	this process ── Load ──> nginx (master, workers) ──> upstreams process
//	                             │                            │
//	                         AccessLog                     Records
//
// Three processes, so that a tracer sees the gateway and its upstreams as it
// would in the field. The upstreams, and a load that must stay out of the
// tool's own process, are this very executable run again: a program that
// starts a rig calls Main first.
//
// A request carries its id in the header X-Rig-Id and nowhere else. What the
// upstreams recorded under that id is the ground truth for a tracer, which
// does not know the header.
//
// Routes lists the kinds of requests that a load sends unasked, MoreRoutes the others. Of
// each request a test can ask what APISIX calls the things that it meets (Names), which
// plugin calls which service (Calls), and with Options.ContextLog what ngx.ctx.api_ctx
// held in the end. Options.APISIXLog has a second access log in APISIX's own format. For
// heads that must pass byte for byte there are RawConn and the node of Headers.
//
// Nothing survives the rig. Close ends what Start began; if this process dies
// without it, the upstreams notice that their stdin closed, stop nginx and
// remove the rig's directory.
package testrig
