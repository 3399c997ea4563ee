package bench

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// lostRequests is the cause under which requests are counted that the ring had no room for.
const lostRequests = "requests_ring_full"

// benchOverload reads a tiny ring too slowly. The program has no flag for that, so its
// parts are put together here.
func benchOverload(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{Cheap: true})
	target, err := gateway.Find(t.Context(), gateway.Query{PID: rig.MasterPID()})
	if err != nil {
		t.Fatal(err)
	}
	src, err := bpf.Open(t.Context(), bpf.Options{Target: target, Probes: true, RingBytes: 4 * os.Getpagesize()})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	type outcome struct {
		sum trace.Summary
		err error
	}
	done := make(chan outcome, 1)
	sink := &countingSink{}
	go func() {
		sum, err := trace.Pipeline{From: &slowSource{Source: src}, Heads: noHeads{}, To: sink}.Run(ctx)
		done <- outcome{sum, err}
	}()
	if _, err := rig.Wrk(t.Context(), testrig.Wrk{Duration: 5 * time.Second}); err != nil {
		t.Fatal(err)
	}
	lines := settledLog(t, rig)
	cancel()
	res := <-done
	if res.err != nil {
		t.Fatal(res.err)
	}

	t.Logf("%d lines in the access log, %d seen, lost %v", len(lines), res.sum.Seen, res.sum.Lost)
	if res.sum.Lost[lostRequests] == 0 {
		t.Error("no request was lost: this run proves nothing")
	}
	if got := res.sum.Seen + res.sum.Lost[lostRequests]; got != uint64(len(lines)) || uint64(sink.shown) != res.sum.Seen {
		t.Errorf("seen %d and lost %d make %d, but the access log has %d lines and %d were shown",
			res.sum.Seen, res.sum.Lost[lostRequests], got, len(lines), sink.shown)
	}
}

// A slowSource stalls its reader for so long that the ring runs over.
type slowSource struct {
	trace.Source
	n int
}

func (s *slowSource) Next(ctx context.Context) (trace.Event, error) {
	if s.n++; s.n%50 == 0 && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	return s.Source.Next(ctx)
}

// A countingSink counts.
type countingSink struct{ shown int }

func (s *countingSink) Show(*trace.Exchange) error {
	s.shown++
	return nil
}
func (s *countingSink) Summary(trace.Summary) error { return nil }
func (s *countingSink) Close() error                { return nil }

// noHeads reads nothing: with probes, the request object tells which requests there were.
type noHeads struct{}

func (noHeads) Request([]byte) (trace.RequestHead, bool)   { return trace.RequestHead{}, false }
func (noHeads) Response([]byte) (trace.ResponseHead, bool) { return trace.ResponseHead{}, false }
