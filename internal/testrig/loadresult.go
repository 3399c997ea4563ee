package testrig

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Sent is one request of a load and how it ended.
type Sent struct {
	ID         string
	Kind       Kind
	Status     int   // 0 when there was no response
	Start, End int64 // Unix nanoseconds: before the first byte, after the last
	Err        string

	GRPCStatus string // "" if the response had none
}

// Arrived says whether the gateway saw the request: it did not when it closed a
// kept connection just then.
func (s Sent) Arrived() bool { return s.Err != errIdleClosed.Error() }

// A LoadResult is everything that a load sent, in no order. An id is sent at
// most once: a request whose kept connection the gateway closed, as a reload
// does, has an Err, and another one with an id of its own takes its place.
type LoadResult struct {
	Sent    []Sent
	Elapsed time.Duration
}

// ByKind counts the requests of each kind.
func (r LoadResult) ByKind() map[Kind]int {
	counts := map[Kind]int{}
	for _, s := range r.Sent {
		counts[s.Kind]++
	}
	return counts
}

// ByStatus counts the requests of each status; 0 is those without a response.
func (r LoadResult) ByStatus() map[int]int {
	counts := map[int]int{}
	for _, s := range r.Sent {
		counts[s.Status]++
	}
	return counts
}

// Check returns an error that says which requests did not end as their kind
// promises, or nil. Requests on a connection that the gateway closed while it
// was idle are no failure.
func (r LoadResult) Check() error {
	wrong := map[string]int{}
	for _, s := range r.Sent {
		route, err := RouteOf(s.Kind)
		switch {
		case err != nil:
			return err
		case !s.Arrived():
		case s.Err != "":
			wrong[fmt.Sprintf("%s: %s", s.Kind, s.Err)]++
		case !slices.Contains(route.Statuses, s.Status):
			wrong[fmt.Sprintf("%s: status %d, want one of %v", s.Kind, s.Status, route.Statuses)]++
		case s.GRPCStatus != route.GRPCStatus():
			wrong[fmt.Sprintf("%s: gRPC status %q, want %q", s.Kind, s.GRPCStatus, route.GRPCStatus())]++
		}
	}
	var errs []error
	for _, what := range slices.Sorted(maps.Keys(wrong)) {
		errs = append(errs, fmt.Errorf("%d × %s", wrong[what], what))
	}
	return errors.Join(errs...)
}
