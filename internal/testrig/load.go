package testrig

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// idHeader carries a request's id; nothing else of a request does.
const idHeader = "X-Rig-Id"

// A Target is where a gateway listens.
type Target struct {
	HTTP, TLS, H2C string // ip:port
}

// Target returns where the rig's gateway listens.
func (r *Rig) Target() Target { return Target{HTTP: r.conf.HTTP, TLS: r.conf.TLS, H2C: r.conf.H2C} }

// url returns the URL at which route answers.
func (t Target) url(route Route) string {
	path := route.Paths[0]
	switch route.Transport {
	case OverHTTPS, OverH2:
		return "https://" + t.TLS + path
	case OverH2C:
		return "http://" + t.H2C + path
	}
	return "http://" + t.HTTP + path
}

// A Load says what to send. It ends at Requests or after Duration, whichever
// comes first, and needs one of them.
type Load struct {
	Target   Target
	Kinds    []Kind // sent in turn; nil means those of Routes, of which a Cheap rig serves Options.Kinds
	Conns    int    // concurrent client connections; 0 means 1
	Requests int
	Duration time.Duration
	Rate     float64 // requests per second over all connections; 0 means unbounded
}

// Run sends the load from this process and returns when it is done or ctx is.
// A request under way when ctx ends is given up.
func (l Load) Run(ctx context.Context) (LoadResult, error) {
	run, err := l.prepare()
	if err != nil {
		return LoadResult{}, err
	}
	if l.Duration > 0 {
		// Not a deadline of ctx: the last requests may finish.
		run.until = time.Now().Add(l.Duration)
	}
	defer run.close()

	start := time.Now()
	parts := make([][]Sent, max(l.Conns, 1))
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() { parts[i] = run.client(ctx) })
	}
	wg.Wait()
	return LoadResult{Sent: slices.Concat(parts...), Elapsed: time.Since(start)}, nil
}

// A loadRun is what the connections of a load share.
type loadRun struct {
	Load
	routes []Route
	bodies map[Kind][]byte // made once: Large's would cost more than the gateway does
	prefix string          // of every id
	start  time.Time
	until  time.Time // zero means no end
	next   atomic.Int64
	ids    atomic.Int64
	h2     *http.Client
	h2c    *http.Client
}

func (l Load) prepare() (*loadRun, error) {
	if l.Requests <= 0 && l.Duration <= 0 {
		return nil, errors.New("send load: neither a number of requests nor a duration is set")
	}
	kinds := l.Kinds
	if kinds == nil {
		kinds = Options{}.Kinds()
	}
	run := &loadRun{
		Load: l, start: time.Now(), bodies: map[Kind][]byte{},
		h2: h2Client(false), h2c: h2Client(true),
	}
	for _, kind := range kinds {
		route, err := RouteOf(kind)
		if err != nil {
			return nil, fmt.Errorf("send load: %w", err)
		}
		run.routes = append(run.routes, route)
		run.bodies[kind] = requestBody(kind)
	}
	var random [4]byte
	rand.Read(random[:])
	run.prefix = hex.EncodeToString(random[:]) + "-"
	return run, nil
}

func (run *loadRun) close() {
	run.h2.CloseIdleConnections()
	run.h2c.CloseIdleConnections()
}

// turn takes the next request's number, waits until the rate allows it, and
// says false when the load is over.
func (run *loadRun) turn(ctx context.Context) (int, bool) {
	n := int(run.next.Add(1) - 1)
	if run.Requests > 0 && n >= run.Requests {
		return 0, false
	}
	if run.Rate > 0 {
		due := run.start.Add(time.Duration(float64(n) / run.Rate * float64(time.Second)))
		if !run.until.IsZero() && due.After(run.until) {
			return 0, false
		}
		timer := time.NewTimer(time.Until(due))
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return 0, false
		case <-timer.C:
		}
	}
	over := ctx.Err() != nil || !run.until.IsZero() && time.Now().After(run.until)
	return n, !over
}

// id returns an id that no other request has.
func (run *loadRun) id() string { return run.prefix + strconv.FormatInt(run.ids.Add(1), 10) }

// client sends requests one after the other, as one client connection does.
func (run *loadRun) client(ctx context.Context) []Sent {
	var sent []Sent
	c := &loadClient{run: run}
	defer c.close()
	for {
		n, ok := run.turn(ctx)
		if !ok {
			return sent
		}
		route := run.routes[n%len(run.routes)]
		path := route.Paths[n/len(run.routes)%len(route.Paths)]
		for {
			s := c.send(ctx, loadRequest{Route: route, path: path, id: run.id(), body: run.bodies[route.Kind]})
			sent = append(sent, s)
			if s.Arrived() || ctx.Err() != nil {
				break
			}
		}
	}
}
