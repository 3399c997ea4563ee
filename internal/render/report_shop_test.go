package render_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/trace"
)

// shop is a gateway with an incident: for 21 seconds a node refuses connections, an event
// loop is blocked once, and one service has a slow tail. The same seed makes the same shop.
type shop struct {
	*rand.Rand
	began     time.Time
	exchanges []*trace.Exchange
	workers   []*trace.Worker
}

const (
	shopWindow  = 120 * time.Second
	shopWorkers = 4
	shopBad     = "10.20.0.14:8080" // the node that refuses
)

// When the node refuses, and when the loop of the first worker is blocked, after the beginning.
const (
	badFrom, badTo = 70 * time.Second, 91 * time.Second
	stallAt        = 40 * time.Second
	stallFor       = 340 * time.Millisecond
)

type shopRoute struct {
	id, name, service, method, path string
	weight                          int
	nodes                           []string
	wait                            time.Duration // of its nodes, in the middle
	tail                            float64       // share of requests that take twenty times as long
	retries                         bool
}

var shopRoutes = []shopRoute{
	{"1", "catalog", "catalog", "GET", "/catalog/items/%d", 45, []string{"10.20.0.11:8080", "10.20.0.12:8080", "10.20.0.13:8080"}, 6 * ms, 0.002, true},
	{"2", "orders", "orders", "GET", "/orders/%d", 20, []string{"10.20.0.13:8080", shopBad}, 14 * ms, 0.004, true},
	{"3", "checkout", "orders", "POST", "/checkout", 10, []string{"10.20.0.13:8080", shopBad}, 45 * ms, 0.01, false},
	{"4", "search", "search", "GET", "/search", 15, []string{"10.20.0.21:9200"}, 60 * ms, 0.03, false},
	{"5", "login", "accounts", "POST", "/login", 6, []string{"10.20.0.31:8443"}, 25 * ms, 0.005, true},
	{"6", "reports-export", "reports", "GET", "/reports/%d/export.csv", 3, []string{"10.20.0.41:8080"}, 180 * ms, 0.05, false},
}

// newShop makes n requests.
func newShop(seed uint64, n int) *shop {
	zone := time.FixedZone("", 2*60*60)
	s := &shop{Rand: rand.New(rand.NewPCG(seed, 1)), began: time.Date(2026, 11, 22, 12, 14, 45, 0, zone)}
	for i := range n {
		s.exchanges = append(s.exchanges, s.exchange(i, time.Duration(i)*shopWindow/time.Duration(n)))
	}
	slices.SortStableFunc(s.exchanges, func(a, b *trace.Exchange) int { // as they end
		return a.Start.Add(a.Duration).Compare(b.Start.Add(b.Duration))
	})
	for second := range int(shopWindow / time.Second) {
		for w := range shopWorkers {
			s.workers = append(s.workers, s.worker(w, second+1))
		}
	}
	return s
}

func (s *shop) id() (id trace.SpanID) {
	for i := range id {
		id[i] = byte(s.IntN(256))
	}
	return id
}

func (s *shop) spread(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.6 + s.ExpFloat64()*0.5))
}

func (s *shop) route() *shopRoute {
	at := s.IntN(99)
	for i := range shopRoutes {
		if at -= shopRoutes[i].weight; at < 0 {
			return &shopRoutes[i]
		}
	}
	return &shopRoutes[0]
}

func (s *shop) exchange(i int, after time.Duration) *trace.Exchange {
	r := s.route()
	x := &trace.Exchange{
		Start: s.began.Add(after), PID: 4131 + s.IntN(shopWorkers), Method: r.method, Host: "shop.example", Path: r.path, Protocol: "1.1", Status: 200,
		Client: netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(s.IntN(250))}), uint16(40000+s.IntN(20000))), Server: addr("10.0.0.2:9080"),
		Received: 300, Sent: int64(800 + s.IntN(9000)), ConnectionRequest: 1 + s.IntN(40), Source: trace.FromUpstream, Clock: "ns",
		RequestID: fmt.Sprintf("%08x-%04d", s.Uint32(), i),
		Names:     trace.Names{From: trace.NamesExact, RouteID: r.id, RouteName: r.name, ServiceID: r.service, ServiceName: r.service, Upstream: "upstreams#/apisix/upstreams/" + r.service, Plugins: []string{"prometheus", "request-id", "limit-count"}},
		Timing:    trace.Timing{ClientRead: 10 * us, Gateway: s.spread(300 * us), GatewayQueue: s.spread(20 * us), GatewayResponse: 15 * us, ClientWrite: s.spread(60 * us)},
	}
	if slices.Contains([]string{"1", "2", "6"}, r.id) {
		x.Path = fmt.Sprintf(r.path, s.IntN(5000))
	}
	if r.name == "search" {
		x.Query = "q=shoes&api_key=s3cr3t"
	}
	if blocked := s.began.Add(stallAt).Sub(x.Start); x.PID == 4131 && blocked > -stallFor && blocked <= 0 {
		x.Timing.GatewayQueue = stallFor + blocked
		x.Timing.Gateway += x.Timing.GatewayQueue
	}
	switch at := s.IntN(1000); {
	case at < 12:
		s.deny(x)
	case at < 16:
		s.unrouted(x)
	default:
		s.proxy(x, r, after)
	}
	s.spans(x)
	s.headers(x)
	return x
}

// deny has a plugin answer.
func (s *shop) deny(x *trace.Exchange) {
	x.Status, x.Source, x.Names.Plugin = 429, trace.FromAPISIX, "limit-count"
	if s.IntN(4) == 0 {
		x.Status, x.Names.Plugin = 401, "key-auth"
	}
}

func (s *shop) unrouted(x *trace.Exchange) {
	x.Status, x.Source, x.Names, x.Path, x.Method = 404, trace.FromAPISIX, trace.Names{From: trace.NamesExact}, fmt.Sprintf("/wp-admin/%d/setup.php", s.IntN(90)), "GET"
}

// proxy tries the route's nodes.
func (s *shop) proxy(x *trace.Exchange, r *shopRoute, after time.Duration) {
	first := s.IntN(len(r.nodes))
	start := x.Start.Add(10*us + x.Timing.Gateway)
	for try := range len(r.nodes) {
		node := r.nodes[(first+try)%len(r.nodes)]
		a := attempt(node, start, s.spread(r.wait))
		a.Reused = s.IntN(10) > 0
		if !a.Reused {
			a.Connect = s.spread(200 * us)
		}
		if s.Float64() < r.tail {
			a.Wait *= 20
		}
		switch {
		case node == shopBad && after >= badFrom && after < badTo:
			a.Reused, a.Status, a.Connect, a.Send, a.Wait, a.Read, a.Duration = false, 0, s.spread(200*us), -1, -1, -1, 0
			a.Duration, a.Sent, a.Received = a.Connect, 0, 0
			a.ErrType, a.Reason = trace.ErrRefused, "the node refused the connection (ECONNREFUSED after "+a.Connect.Round(us).String()+")"
		case r.name == "reports-export" && s.IntN(30) == 0:
			a.Status, a.Wait, a.Read = 0, time.Second, -1
			a.ErrType, a.Reason = trace.ErrTimeout, "no response within 1s: the gateway gave up (timeout.read)"
		case r.name == "login" && s.IntN(60) == 0:
			a.Status = 503
		}
		if a.ErrType != trace.ErrRefused {
			a.Duration = max(a.Connect, 0) + a.Send + a.Wait + max(a.Read, 0)
		}
		x.Attempts = append(x.Attempts, a)
		start = start.Add(a.Duration + 30*us)
		if a.ErrType == "" || !r.retries {
			break
		}
	}
	last := &x.Attempts[len(x.Attempts)-1]
	x.Status, x.ErrType = last.Status, last.ErrType
	switch last.ErrType {
	case trace.ErrRefused:
		x.Status, x.Source, x.Reason = 502, trace.FromNginx, last.PeerName+" refused the connection (ECONNREFUSED); no further node was tried"
	case trace.ErrTimeout:
		x.Status, x.Source, x.Reason = 504, trace.FromNginx, last.PeerName+": "+last.Reason
	}
	x.Names.Balancer, x.Names.Tries = last.PeerName, len(x.Attempts)
}

// spans draws what the rest says.
func (s *shop) spans(x *trace.Exchange) {
	end := x.Start.Add(10*us + x.Timing.Gateway)
	for i := range x.Attempts {
		end = x.Attempts[i].Start.Add(x.Attempts[i].Duration)
	}
	x.Duration = end.Add(x.Timing.GatewayResponse + x.Timing.ClientWrite).Sub(x.Start)
	client, gateway := s.id(), s.id()
	x.Spans = []trace.Span{
		{ID: client, Mark: trace.MarkSystem, Role: trace.RoleClientSide, Name: "gateway :9080", Start: x.Start, Duration: x.Duration, PID: x.PID, Local: x.Server, Peer: x.Client, Status: x.Status, Attempt: -1},
		{ID: gateway, Parent: client, Mark: trace.MarkGateway, Role: trace.RoleGateway, Name: "nginx request", Start: x.Start.Add(10 * us), Duration: x.Duration - 10*us, PID: x.PID, Status: x.Status, Attempt: -1, Evidence: "request object's connection is the socket", Confident: trace.Exact},
	}
	if x.Names.RouteName == "login" || x.Names.Plugin == "limit-count" {
		x.Spans = append(x.Spans, trace.Span{ID: s.id(), Parent: gateway, Mark: trace.MarkSystem, Role: trace.RoleCall, Name: "redis 10.20.0.7:6379", Plugin: "limit-count", Start: x.Start.Add(40 * us), Duration: s.spread(150 * us), PID: x.PID, Attempt: -1, Evidence: "Lua thread's request at connect", Confident: trace.Exact})
	}
	for i := range x.Attempts {
		a := &x.Attempts[i]
		id := s.id()
		x.Spans = append(x.Spans, trace.Span{ID: id, Parent: gateway, Mark: trace.MarkSystem, Role: trace.RoleAttempt, Name: fmt.Sprintf("attempt %d %s", i+1, a.PeerName), Start: a.Start, Duration: a.Duration, PID: x.PID, Local: a.Local, Peer: a.Peer, Status: a.Status, Attempt: i, ErrType: a.ErrType, Evidence: a.Evidence, Confident: trace.Exact})
		if a.Status > 0 {
			x.Spans = append(x.Spans, trace.Span{ID: s.id(), Parent: id, Mark: trace.MarkSystem, Role: trace.RoleUpstream, Name: "upstream", Process: cmp.Or(x.Names.ServiceName, "app"), Start: a.Start.Add(50 * us), Duration: max(a.Duration-90*us, us), PID: 990, Status: a.Status, Attempt: -1, Evidence: "tcp_seq at both ends", Confident: trace.Exact})
		}
	}
}

func (s *shop) headers(x *trace.Exchange) {
	x.Headers = &trace.Headers{
		Request:  trace.Head{Seen: true, Fields: []trace.Field{{Name: "Host", Value: x.Host}, {Name: "User-Agent", Value: "Mozilla/5.0 (X11; Linux x86_64)"}, {Name: "Authorization", Value: "Bearer s3cr3t"}, {Name: "Accept", Value: "*/*"}, {Name: "X-Request-Id", Value: x.RequestID}}},
		Response: trace.Head{Seen: true, Fields: []trace.Field{{Name: "Content-Type", Value: "application/json"}, {Name: "Server", Value: "APISIX/3.16.0"}, {Name: "Set-Cookie", Value: "session=s3cr3t"}}},
	}
}

func (s *shop) worker(n, second int) *trace.Worker {
	w := &trace.Worker{PID: 4131 + n, Time: s.began.Add(time.Duration(second) * time.Second), Span: time.Second, CPU: s.spread(80 * ms), Conns: 60 + s.IntN(30), Longest: 2 * ms, Busy: s.spread(90 * ms)}
	for class := range 12 {
		w.Ticks[class] = uint64(s.IntN(1 << (11 - min(class, 11))))
	}
	if stall := int(stallAt/time.Second) + 1; n == 0 && second == stall {
		w.Longest = stallFor
		w.Ticks[trace.TickClass(stallFor)]++
	}
	return w
}

// digest feeds a window to a Digest.
func (s *shop) digest(t testing.TB) *render.Digest {
	t.Helper()
	d := &render.Digest{}
	sum := trace.Summary{Seen: uint64(len(s.exchanges)), Shown: uint64(len(s.exchanges)), Window: shopWindow}
	feedDigest(t, d, s.exchanges, s.workers, sum)
	return d
}

func feedDigest(t testing.TB, d *render.Digest, all []*trace.Exchange, workers []*trace.Worker, sum trace.Summary) {
	t.Helper()
	for _, x := range all {
		if err := d.Show(x); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range workers {
		if err := d.Worker(w); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Summary(sum); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// report is what a recording of the shop is shown as.
func (s *shop) report(t testing.TB) *render.Report {
	p, sum := cpuProfile()
	return &render.Report{
		Title: "incident.apisixscope", Version: "v0.0.0-test", Began: s.began, Window: shopWindow, Seen: s.digest(t), Profile: p, Samples: sum,
		Facts: []render.Fact{
			{Name: "gateway", Value: "openresty 1.27.1.2  /usr/local/openresty/nginx/sbin/nginx  master 4130  4 workers"}, {Name: "host", Value: "edge-7"},
			{Name: "kernel", Value: "6.1.0"}, {Name: "filters", Value: "--host shop.example"},
		},
	}
}

// failed counts as a reference does.
func (s *shop) failed() (n int) {
	for _, x := range s.exchanges {
		if metrics.Failed(x) {
			n++
		}
	}
	return n
}
