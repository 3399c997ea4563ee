package metrics_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/trace"
)

const ms = time.Millisecond

var began = time.Date(2026, 11, 22, 12, 14, 45, 0, time.UTC)

// tried is a request with attempts at nodes.
func tried(attempts ...trace.Attempt) *trace.Exchange {
	return &trace.Exchange{Start: began, Duration: 20 * ms, Attempts: attempts}
}

func at(peer string, status int, took time.Duration, errType, reason string) trace.Attempt {
	a := trace.Attempt{Status: status, Duration: took, ErrType: errType, Reason: reason}
	if peer != "" {
		a.Peer = netip.MustParseAddrPort(peer)
	}
	return a
}

func seen() *metrics.Nodes {
	n := &metrics.Nodes{}
	for range 98 {
		n.Add(tried(at("10.0.0.5:80", 200, 10*ms, "", "")))
	}
	n.Add(tried(at("10.0.0.4:80", 0, 1*ms, "connection_refused", "the node refused the connection"), at("[::ffff:10.0.0.5]:80", 200, 100*ms, "", "")))
	n.Add(tried(at("10.0.0.5:80", 503, 100*ms, "", "")))
	n.Add(tried(at("", 502, -1, "", "")))
	n.Add(tried(at("10.0.0.6:80", 200, -1, "", "")))
	return n
}

func TestNodes(t *testing.T) {
	all, others := seen().Seen()
	for i := range all { // histograms are off by 3%
		all[i].P50, all[i].P99 = all[i].P50.Round(10*ms), all[i].P99.Round(10*ms)
	}
	want := []metrics.NodeSeen{
		{Address: netip.MustParseAddrPort("10.0.0.4:80"), Attempts: 1, Failures: 1, Errors: map[string]uint64{"connection_refused": 1}, LastFailed: began.Add(20 * ms), LastReason: "the node refused the connection"},
		{Address: netip.MustParseAddrPort("10.0.0.5:80"), Attempts: 100, Failures: 1, Errors: map[string]uint64{"503": 1}, LastFailed: began.Add(20 * ms), LastReason: "it answered 503", P50: 10 * ms, P99: 100 * ms},
		{Address: netip.MustParseAddrPort("10.0.0.6:80"), Attempts: 1},
	}
	if others != 0 || !reflect.DeepEqual(all, want) {
		t.Errorf("got  %+v\nwant %+v", all, want)
	}
}

func TestNodesAreBounded(t *testing.T) {
	n := &metrics.Nodes{}
	for i := range 1000 {
		peer := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 80)
		n.Add(tried(trace.Attempt{Peer: peer, ErrType: "e", Reason: strings.Repeat("x", 1000)}))
	}
	for range 100 {
		n.Add(tried(at("10.0.0.1:80", 0, 0, time.Now().String(), "")))
	}
	all, others := n.Seen()
	if len(all) != 512 || others != 1000-512 || len(all[0].LastReason) > 200 || len(all[1].Errors) > 16 {
		t.Errorf("%d nodes, %d others, %d types", len(all), others, len(all[1].Errors))
	}
}

func TestNodesAllocateNothing(t *testing.T) {
	n := seen()
	x := tried(at("10.0.0.4:80", 0, 1*ms, "connection_refused", "the node refused the connection"), at("10.0.0.5:80", 503, 1*ms, "", ""), at("10.0.0.6:80", 200, 1*ms, "", ""))
	if allocs := testing.AllocsPerRun(100, func() { n.Add(x) }); allocs != 0 {
		t.Errorf("Add allocates %v times", allocs)
	}
}

func TestWindowIsSavedWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "apisixscope", "window-1.json")
	if w, err := metrics.LoadWindow(path); w != nil || err != nil {
		t.Errorf("before: %+v, %v", w, err)
	}
	w := &metrics.Window{Command: "trace", Ended: began, Length: 30 * time.Second, Requests: 102, Lost: 3}
	for range 2 { // also over what is there
		w.Nodes, w.Others = seen().Seen()
		if err := w.Save(path); err != nil {
			t.Fatal(err)
		}
	}
	got, err := metrics.LoadWindow(path)
	if err != nil || !reflect.DeepEqual(got, w) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, w)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%d files are there", len(files))
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := metrics.LoadWindow(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("of a broken file: %v", err)
	}
}

func BenchmarkNodes(b *testing.B) {
	n := seen()
	x := tried(at("10.0.0.4:80", 200, 3*ms, "", ""), at("10.0.0.5:80", 200, 5*ms, "", ""))
	b.ReportAllocs()
	for b.Loop() {
		n.Add(x)
	}
}
