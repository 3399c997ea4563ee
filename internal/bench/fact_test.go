package bench

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// A fact is one request as the rig knows it: its line in the access log, its attempts in
// their order, and what Lua or a subrequest asked on the way.
type fact struct {
	testrig.AccessLine
	kind     testrig.Kind
	attempts []hop
	calls    []hop
}

// A hop is one exchange of the gateway with a node. Record is nil for a node that refuses
// connections: it has nothing to write down.
type hop struct {
	node   netip.AddrPort
	record *testrig.Record
}

// Nodes that requests reach by other ways than an attempt, and nodes that refuse.
var (
	calledNodes  = []string{"redis", "mirror", "auth"}
	refusedNodes = []string{"refused", "refused-2"}
)

// witnesses are all that a rig wrote down about a load.
type witnesses struct {
	sent    []testrig.Sent
	lines   []testrig.AccessLine
	records []testrig.Record
	nodes   map[string]string // name to ip:port
}

// facts brings the witnesses together. Where they contradict each other the run proves
// nothing, and the error tells how.
func (w witnesses) facts() ([]*fact, error) {
	records := map[string][]*testrig.Record{}
	for i := range w.records {
		r := &w.records[i]
		records[r.ID] = append(records[r.ID], r)
	}
	lines := map[string]testrig.AccessLine{}
	var errs []error
	for _, l := range w.lines {
		if _, twice := lines[l.ID]; twice && l.ID != "" {
			errs = append(errs, fmt.Errorf("request %s is in the access log twice", l.ID))
		}
		lines[l.ID] = l
	}

	var facts []*fact
	for _, s := range w.sent {
		line, logged := lines[s.ID]
		if logged != s.Arrived() {
			errs = append(errs, fmt.Errorf("request %s: in the access log: %t; sent: %+v", s.ID, logged, s))
		}
		if !logged {
			continue
		}
		f := &fact{AccessLine: line, kind: s.Kind}
		if err := f.trace(records[s.ID], w.nodes); err != nil {
			errs = append(errs, fmt.Errorf("request %s, %s: %w", s.ID, s.Kind, err))
		}
		facts = append(facts, f)
	}
	return facts, errors.Join(errs[:min(len(errs), 10)]...)
}

// trace gives each attempt of the access log its record; the records that are left are
// of calls.
func (f *fact) trace(records []*testrig.Record, nodes map[string]string) error {
	slices.SortFunc(records, func(a, b *testrig.Record) int { return cmp.Compare(a.Start, b.Start) })
	for _, a := range f.AccessLine.Attempts {
		name := nodeName(nodes, a.Addr)
		if slices.Contains(calledNodes, name) {
			continue // a subrequest's attempt stands among those of its request
		}
		addr, err := netip.ParseAddrPort(a.Addr)
		if err != nil {
			return fmt.Errorf("attempt at %q: %w", a.Addr, err)
		}
		h := hop{node: addr}
		if !slices.Contains(refusedNodes, name) {
			i := slices.IndexFunc(records, func(r *testrig.Record) bool { return r.LocalAddr == a.Addr })
			if i < 0 {
				return fmt.Errorf("node %s (%s) has no record of the attempt", name, a.Addr)
			}
			h.record = records[i]
			records = slices.Delete(records, i, i+1)
		}
		f.attempts = append(f.attempts, h)
	}
	for _, r := range records {
		addr, err := netip.ParseAddrPort(r.LocalAddr)
		if err != nil || !slices.Contains(calledNodes, r.Node) {
			return fmt.Errorf("node %s (%s) has a record that the access log does not account for", r.Node, r.LocalAddr)
		}
		f.calls = append(f.calls, hop{node: addr, record: r})
	}
	return nil
}

func nodeName(nodes map[string]string, addr string) string {
	for name, a := range nodes {
		if a == addr {
			return name
		}
	}
	return ""
}
