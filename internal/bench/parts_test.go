package bench

import (
	"bufio"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// The parts of the benchmarks, on small inputs; more are in join_check_test.go and fact_check_test.go.

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return noon.Add(d) }

// asked is a hop to node port 80+n over local port 5000+n, read at the given time.
func asked(n int, read time.Duration) hop {
	node := netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), uint16(80+n))
	return hop{node, &testrig.Record{
		Node: "orders-1", LocalAddr: node.String(), RemoteAddr: fmt.Sprintf("10.0.0.9:%d", 5000+n), Start: at(read).UnixNano(),
	}}
}

// seen is the edge that is right for asked(n, read) if from <= read <= to.
func seen(n int, from, to time.Duration, exact bool) edge {
	ip, local := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.9")
	return edge{netip.AddrPortFrom(ip, uint16(80+n)), netip.AddrPortFrom(local, uint16(5000+n)), at(from), at(to), exact}
}

const ms = time.Millisecond

func TestHopDiffers(t *testing.T) {
	h := asked(1, 2*ms)
	refused := hop{node: h.node}
	for _, tt := range []struct {
		h    hop
		e    edge
		want string
	}{
		{h, seen(1, 1*ms, 3*ms, true), ""},
		{h, seen(1, 2*ms+10*time.Microsecond, 3*ms, true), ""},
		{h, seen(1, 3*ms, 4*ms, true), "another exchange of the connection"},
		{h, seen(1, 0, 1*ms, true), "another exchange of the connection"},
		{h, edge{node: h.node, local: seen(2, 0, 0, true).local, from: at(ms), to: at(3 * ms)}, "another connection"},
		{h, edge{node: h.node, from: at(ms), to: at(3 * ms)}, "another connection"},
		{h, seen(2, 1*ms, 3*ms, true), "another node"},
		{refused, edge{node: h.node}, ""},
		{refused, edge{}, "another node"},
	} {
		if got := tt.h.differs(tt.e); got != tt.want {
			t.Errorf("%s and %s: want %q, got %q", tt.h, tt.e, tt.want, got)
		}
	}
}

func TestCountAttempts(t *testing.T) {
	two := []hop{asked(1, ms), asked(2, 3*ms)}
	first, second := seen(1, 0, 2*ms, true), seen(2, 2*ms, 4*ms, false)
	for _, tt := range []struct {
		name string
		got  []edge
		want count
	}{
		{"all", []edge{first, second}, count{right: 2, inferred: 1}},
		{"first alone", []edge{first}, count{right: 1, missing: 1}},
		{"second alone", []edge{second}, count{wrong: 1, inferred: 1, missing: 1}},
		{"out of order", []edge{second, first}, count{wrong: 2, wrongExact: 1, inferred: 1}},
		{"one too many", []edge{first, second, first}, count{right: 2, wrong: 1, wrongExact: 1, inferred: 1}},
		{"none", nil, count{missing: 2}},
	} {
		var c count
		problems := c.attempts(two, tt.got)
		if c != tt.want || (len(problems) == 0) != (tt.name == "all") {
			t.Errorf("%s: want %+v, got %+v, %q", tt.name, tt.want, c, problems)
		}
	}
}

func TestCountCalls(t *testing.T) {
	two := []hop{asked(1, ms), asked(2, 3*ms)}
	first, second := seen(1, 0, 2*ms, true), seen(2, 2*ms, 4*ms, false)
	late := seen(2, 5*ms, 6*ms, true)
	for _, tt := range []struct {
		name string
		got  []edge
		want count
	}{
		{"in another order", []edge{second, first}, count{right: 2, inferred: 1}},
		{"another exchange", []edge{first, late}, count{right: 1, wrong: 1, wrongExact: 1}},
		{"another node", []edge{first, seen(3, 2*ms, 4*ms, true)}, count{right: 1, wrong: 1, wrongExact: 1, missing: 1}},
		{"none", nil, count{missing: 2}},
	} {
		var c count
		if c.calls(two, tt.got); c != tt.want {
			t.Errorf("%s: want %+v, got %+v", tt.name, tt.want, c)
		}
	}
}

func TestReadLines(t *testing.T) {
	const request = `{"type":"trace","start":"2026-01-02T12:00:00.000000001Z","duration_ns":5,"http.request.method":"GET",` +
		`"url.path":"/a","url.query":"b=1","http.response.status_code":200,"network.protocol.version":"1.1",` +
		`"client.address":"10.0.0.2","client.port":4000,"network.local.port":80,"process.pid":7,"connection_request":3,` +
		`"attempts":[{"network.peer.address":"10.0.0.1","network.peer.port":81,"network.local.address":"10.0.0.9",` +
		`"network.local.port":5001,"start":"2026-01-02T12:00:00.001Z","duration_ns":2000000,"confidence":"exact"}],` +
		`"spans":[{"role":"call","start":"2026-01-02T12:00:00Z","attributes":{"network.peer.address":"10.0.0.1","network.peer.port":82}}]}` + "\n"
	const end = `{"type":"summary","seen":1,"shown":1,"removed":{},"lost":{"a":2,"b":3},"notes":[],"window_ns":9}` + "\n"

	var got []*traced
	sum, err := readLines(bufio.NewReader(strings.NewReader(request+end)), func(x *traced, _ []byte) { got = append(got, x) })
	if err != nil || len(got) != 1 || sum.Seen != 1 || lost(sum) != 5 {
		t.Fatalf("got %+v, %+v, %v", got, sum, err)
	}
	x := got[0]
	if want := (identity{4000, 3, 200, "GET /a?b=1 HTTP/1.1"}); x.identity() != want {
		t.Errorf("want %+v, got %+v", want, x.identity())
	}
	if e := x.attempts()[0]; asked(1, 2*ms).differs(e) != "" || !e.exact || !e.to.Equal(at(3*ms)) {
		t.Errorf("attempt: got %s", e)
	}
	if c := x.calls(); len(c) != 1 || c[0].node.Port() != 82 || c[0].exact || !c[0].to.Equal(x.end()) {
		t.Errorf("calls: got %v", c)
	}
	for _, bad := range []string{"", request, end + request, "{}x\n", strings.TrimSuffix(end, "\n")} {
		if _, err := readLines(bufio.NewReader(strings.NewReader(bad)), func(*traced, []byte) {}); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestSharesOf(t *testing.T) {
	got := sharesOf("# Children      Self  Symbol\n    10.75%     0.00%  [k] asm_exc_int3          -      -\n" +
		"     7.65%     1.57%  [k] bpf_prog_e23ec11ebf3ea597_free_request   -      -\n" +
		"     0.01%     0.01%  [k] bpf_probe_read_kernel    -      -\n     3.00%     3.00%  [.] bpf_trace_run2\n     9.00%     9.00%  [k] tcp_ack\n")
	want := []share{{"entry asm_exc_int3", 10.75}, {"program free_request", 7.65}}
	if !slices.Equal(got, want) {
		t.Errorf("want %v, got %v", want, got)
	}
}

func TestMedian(t *testing.T) {
	if got := median([]float64{3, 1, 2}); got != 2 {
		t.Errorf("got %v", got)
	}
	if got := spread([]time.Duration{4 * ms, 1 * ms, 3 * ms, 2 * ms}, millis); got != "2 ms (1 ms to 4 ms)" && got != "3 ms (1 ms to 4 ms)" {
		t.Errorf("got %s", got)
	}
}
