package trace_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// TestPhases: each part of nginx's work lasts until the next that it came to.
func TestPhases(t *testing.T) {
	for _, tt := range []struct {
		name                              string
		process, access, upstream, answer int // µs from the start; 0: nginx did not come to it
		want                              []string
	}{
		{"all", 10, 30, 200, 900, []string{"rewrite phase +10µs for 20µs", "access phase +30µs for 170µs", "proxying +200µs for 700µs", "response +900µs for 100µs"}},
		{"a plugin answers", 10, 30, 0, 250, []string{"rewrite phase +10µs for 20µs", "access phase +30µs for 220µs", "response +250µs for 750µs"}},
		{"the client goes away", 10, 30, 200, 0, []string{"rewrite phase +10µs for 20µs", "access phase +30µs for 170µs", "proxying +200µs for 800µs"}},
		{"nginx answers by itself", 0, 0, 0, 40, []string{"response +40µs for 960µs"}},
		{"not watched", 0, 0, 0, 0, nil},
	} {
		s := newStory(t, true)
		moment := func(us int) time.Time {
			if us == 0 {
				return time.Time{}
			}
			return s.began.Add(time.Duration(us) * time.Microsecond)
		}
		c := s.accepts(aClient)
		c.reads(orders)
		s.at(1000)
		c.writes(ok)
		r := get("/orders", 200)
		r.Phases = trace.Phases{
			Process: moment(tt.process), Access: moment(tt.access), Upstream: moment(tt.upstream), Response: moment(tt.answer),
			Ended: s.now, Lua: 120 * time.Microsecond,
		}
		s.ends(c, r)
		s.end()
		x := &s.shown[0]
		var got []string
		for i := range x.Spans {
			if p := &x.Spans[i]; p.Role == trace.RolePhase {
				got = append(got, fmt.Sprintf("%s +%v for %v", p.Name, p.Start.Sub(s.began), p.Duration))
				if p.Parent != x.Spans[1].ID || p.Mark != trace.MarkGateway || p.Confident != trace.Exact {
					t.Errorf("%s: %q is below %x, seen from %c, %s", tt.name, p.Name, p.Parent, p.Mark, p.Confident)
				}
			}
		}
		if !slices.Equal(got, tt.want) || x.Timing.Lua != 120*time.Microsecond {
			t.Errorf("%s: phases are %v, Lua took %v", tt.name, got, x.Timing.Lua)
		}
	}
}
