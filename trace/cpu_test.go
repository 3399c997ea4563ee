package trace_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

const cpuPeriod = time.Millisecond

// cpuTale is a window with CPU times: what happens is told in turn by its two sources.
type cpuTale struct {
	began time.Time
	times *trace.CPUTimes
	steps []func() (trace.Event, bool)
	end   func() // is called when no more samples are needed
	shown []trace.Exchange
	at    []int // how far the tale was when each was shown
	next  int
}

func newCPUTale() *cpuTale {
	tale := &cpuTale{}
	tale.times = trace.NewCPUTimes(cpuPeriod, func() {
		if tale.end != nil {
			tale.end()
		}
		tale.times.Done()
	})
	tale.began = time.Now().Add(time.Second).Truncate(time.Millisecond)
	return tale
}

func (c *cpuTale) Next(context.Context) (trace.Event, error) {
	for c.next < len(c.steps) {
		c.next++
		if e, ok := c.steps[c.next-1](); ok {
			return e, nil
		}
	}
	return trace.Event{}, io.EOF
}

func (c *cpuTale) Show(x *trace.Exchange) error {
	c.shown, c.at = append(c.shown, *x.Clone()), append(c.at, c.next)
	return nil
}

func (*cpuTale) Summary(trace.Summary) error { return nil }
func (*cpuTale) Close() error                { return nil }

// us is a time of the tale, in microseconds.
func (c *cpuTale) us(n int) time.Time { return c.began.Add(time.Duration(n) * time.Microsecond) }

func (c *cpuTale) does(f func()) {
	c.steps = append(c.steps, func() (trace.Event, bool) { f(); return trace.Event{}, false })
}

func (c *cpuTale) tells(e trace.Event) {
	c.steps = append(c.steps, func() (trace.Event, bool) { return e, true })
}

// object is what a request is known by; its start is of whole milliseconds.
func (c *cpuTale) object(address uint64, started int) trace.Object {
	return trace.Object{Address: address, Started: c.us(started).Truncate(time.Millisecond)}
}

// ends tells a finished request of a worker.
func (c *cpuTale) ends(path string, pid int, o trace.Object, at int) {
	o.Ended = c.us(at)
	c.tells(trace.Event{Kind: trace.KindExchange, Exchange: &trace.Exchange{Path: path, PID: pid, Object: o, Start: o.Started, Spans: []trace.Span{{Name: path}}}})
}

// reads tells one whose first byte was seen, after it had waited for the worker.
func (c *cpuTale) reads(path string, pid int, o trace.Object, began, at int) {
	o.Ended = c.us(at)
	const queued = 300 * time.Microsecond
	c.tells(trace.Event{Kind: trace.KindExchange, Exchange: &trace.Exchange{
		Path: path, PID: pid, Object: o, Start: c.us(began).Add(-queued), Clock: "ns", Timing: trace.Timing{GatewayQueue: queued}, Spans: []trace.Span{{Name: path}},
	}})
}

func (c *cpuTale) samples(pid int, o trace.Object, log bool, at ...int) {
	for _, us := range at {
		c.does(func() {
			c.times.Add(trace.CPUSample{PID: pid, Object: o, Time: c.us(us), Count: 1, Weight: cpuPeriod, Log: log})
		})
	}
}

// sweeps says that both sources have told all until then, and which workers have slept.
func (c *cpuTale) sweeps(at int, slept ...int) {
	c.told(at, slept...)
	c.swept(at)
}

func (c *cpuTale) told(at int, slept ...int) {
	c.does(func() { c.times.Told(c.us(at), slept...) })
}
func (c *cpuTale) swept(at int) { c.tells(trace.Event{Kind: trace.KindSwept, Time: c.us(at)}) }

func (c *cpuTale) run(t *testing.T, change func(*trace.Pipeline)) trace.Summary {
	t.Helper()
	p := trace.Pipeline{From: c, Heads: netHeads{}, CPU: c.times, To: c}
	if change != nil {
		change(&p)
	}
	sum, err := p.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// says tells what was shown, with the samples of each.
func (c *cpuTale) says() string {
	var all []string
	for i := range c.shown {
		x := &c.shown[i]
		all = append(all, fmt.Sprintf("%s %d", x.Path, x.CPU.Samples))
		if x.CPU.Time != time.Duration(x.CPU.Samples)*cpuPeriod || x.CPU.Period != cpuPeriod && x.Object.Address != 0 {
			all = append(all, fmt.Sprintf("but %+v", x.CPU))
		}
	}
	return strings.Join(all, ", ")
}

func TestCPUTimesAreOfTheirRequest(t *testing.T) {
	const a, b, one, other = 0x1000, 0x2000, 11, 12
	for _, tt := range []struct {
		name, want string
		tell       func(*cpuTale)
	}{
		{"none", "/a 0", func(c *cpuTale) {
			c.ends("/a", one, c.object(a, 0), 500)
		}},
		{"samples come after the end was told", "/a 2", func(c *cpuTale) {
			c.ends("/a", one, c.object(a, 0), 5000)
			c.swept(100_000)
			c.samples(one, c.object(a, 0), false, 1000, 2000)
		}},
		{"requests take turns", "/a 2, /b 3", func(c *cpuTale) {
			c.samples(one, c.object(a, 0), false, 1000)
			c.samples(one, c.object(b, 0), false, 2000, 3000)
			c.samples(one, c.object(a, 0), false, 4000)
			c.samples(one, c.object(b, 0), false, 5000)
			c.ends("/a", one, c.object(a, 0), 6000)
			c.ends("/b", one, c.object(b, 0), 6000)
		}},
		{"another worker has the same address", "/a 1, /b 2", func(c *cpuTale) {
			c.samples(one, c.object(a, 0), false, 1000)
			c.samples(other, c.object(a, 0), false, 1000, 2000)
			c.ends("/a", one, c.object(a, 0), 2500)
			c.ends("/b", other, c.object(a, 0), 2500)
		}},
		{"an address is used again", "/a 1, /b 2", func(c *cpuTale) {
			c.samples(one, c.object(a, 0), false, 1000)
			c.samples(one, c.object(a, 1000), false, 2000, 3000)
			c.ends("/a", one, c.object(a, 0), 1500)
			c.ends("/b", one, c.object(a, 1000), 3500)
		}},
		{"an address is used again in the same tick", "/a 1, /b 2, /c 0, /d 1", func(c *cpuTale) {
			c.samples(one, c.object(a, 0), false, 1000, 2000, 3000, 4000)
			c.ends("/a", one, c.object(a, 0), 1500)
			c.ends("/b", one, c.object(a, 0), 3500)
			c.ends("/c", one, c.object(a, 0), 3600)
			c.ends("/d", one, c.object(a, 0), 4500)
		}},
		{"the end of the one before was lost", "/b 1", func(c *cpuTale) {
			c.samples(one, c.object(a, 0), false, 1000)
			c.samples(one, c.object(a, 1000), false, 2000)
			c.ends("/b", one, c.object(a, 1000), 2500)
		}},
		{"a log phase that the stack does not tell of", "/a 0, /b 1", func(c *cpuTale) {
			c.ends("/a", one, c.object(a, 0), 500)
			c.samples(one, c.object(a, 0), false, 550, 700)
			c.reads("/b", one, c.object(a, 0), 600, 800)
		}},
		{"the log phase", "/a 4", func(c *cpuTale) {
			c.samples(one, c.object(a, 0), false, 1000)
			c.ends("/a", one, c.object(a, 0), 1500)
			c.samples(one, c.object(a, 0), true, 2000, 3000, 4000)
		}},
		{"the log phase of an address in the same tick", "/a 0, /b 2, /c 1", func(c *cpuTale) {
			c.ends("/a", one, c.object(a, 0), 500)
			c.ends("/b", one, c.object(a, 0), 1500)
			c.samples(one, c.object(a, 0), true, 2000, 3000)
			c.samples(one, c.object(a, 0), false, 4000)
			c.ends("/c", one, c.object(a, 0), 4500)
		}},
		{"the log phase of one whose end is yet to be told", "/a 0, /b 1, /c 1", func(c *cpuTale) {
			c.ends("/a", one, c.object(a, 0), 500)
			c.samples(one, c.object(a, 0), true, 3500)
			c.samples(one, c.object(a, 0), false, 4000)
			c.told(100_000)
			c.swept(2500)
			c.ends("/b", one, c.object(a, 0), 3000)
			c.ends("/c", one, c.object(a, 0), 4500)
		}},
		{"a long log phase, and no CPU for it", "/a 3", func(c *cpuTale) {
			c.ends("/a", one, c.object(a, 0), 500)
			for _, at := range []int{1000, 400_000, 800_000} {
				c.samples(one, c.object(a, 0), true, at)
				c.sweeps(at + 10_000)
				c.sweeps(at+300_000, other) // another worker's sleep proves nothing
			}
		}},
		{"a log phase in which nothing names the request for a while", "/a 2", func(c *cpuTale) {
			c.ends("/a", one, c.object(a, 0), 500)
			c.samples(one, c.object(a, 0), true, 1000)
			c.samples(one, trace.Object{}, false, 2000, 3000, 4000)
			c.sweeps(300_000)
			c.samples(one, c.object(a, 0), true, 301_000)
			c.sweeps(310_000)
		}},
		{"a timer, and the request object was not read", "/a 0, /b 0", func(c *cpuTale) {
			c.samples(one, trace.Object{}, false, 1000)
			c.ends("/a", one, c.object(a, 0), 1500)
			c.ends("/b", 0, trace.Object{}, 1500)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCPUTale()
			tt.tell(c)
			c.sweeps(1_000_000)
			c.run(t, nil)
			if got := c.says(); got != tt.want {
				t.Errorf("shown are %s; want %s", got, tt.want)
			}
			for i := range c.shown {
				if x := &c.shown[i]; x.Spans[0].Name != x.Path {
					t.Errorf("%s has the spans of %s", x.Path, x.Spans[0].Name)
				}
			}
		})
	}
}

// TestCPUTimesWait holds exchanges until their log phase is known to be over, and no longer,
// in their order.
func TestCPUTimesWait(t *testing.T) {
	const worker = 1
	for name, tt := range map[string]struct {
		proof func(*cpuTale, trace.Object)
	}{
		"the worker slept": {func(c *cpuTale, _ trace.Object) {
			c.told(60_000, worker) // at some time since the call before
		}},
		"a sample of another request": {func(c *cpuTale, _ trace.Object) {
			c.samples(worker, c.object(0x2000, 0), false, 60_000)
		}},
		"a sample of the same request object, which another request has": {func(c *cpuTale, o trace.Object) {
			c.samples(worker, o, false, 60_000)
		}},
		"another request has ended": {func(c *cpuTale, _ trace.Object) {
			c.ends("/c", worker, c.object(0x2000, 0), 50_000)
			c.told(60_000)
		}},
		"all was quiet for long": {func(c *cpuTale, _ trace.Object) {
			c.told(1_100_000)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCPUTale()
			o := c.object(0x1000, 0)
			c.ends("/a", worker, o, 5000)
			c.ends("/b", 0, trace.Object{}, 5000) // it need not wait, but for the first
			c.swept(200_000)                      // the samples are behind
			c.samples(worker, o, false, 1000)
			c.samples(worker, o, true, 6000)
			c.samples(worker, trace.Object{}, false, 30_000)
			c.told(40_000, worker) // before the log phase, maybe
			c.swept(200_000)
			tt.proof(c, o)
			c.swept(5000) // the requests are behind: another may have ended before 6000
			c.swept(200_000)
			shows := len(c.steps)
			c.swept(210_000)
			c.run(t, nil)
			if got := c.says(); !strings.HasPrefix(got, "/a 2, /b 0") {
				t.Errorf("shown are %s", got)
			}
			if c.at[0] != shows || c.at[1] != shows {
				t.Errorf("shown at steps %v, want them at %d", c.at, shows)
			}
		})
	}
}

func TestCPUTimesSumUp(t *testing.T) {
	c := newCPUTale()
	a, b, own, late := c.object(0x1000, 0), c.object(0x2000, 0), c.object(0x3000, 0), c.object(0x4000, 0)
	c.samples(1, a, false, 1000, 2000, 3000)
	c.samples(1, b, false, 4000, 5000)
	c.samples(1, own, false, 6000)
	c.samples(1, trace.Object{}, false, 7000, 8000, 9000, 10_000)
	c.samples(1, late, false, 11_000)
	c.ends("/a", 1, a, 3500)
	c.ends("/b", 1, b, 5500)
	c.ends("/own", 1, own, 6500)
	c.does(func() { c.times.Lost("samples_ring_full", 7) })
	c.does(func() { c.times.Note("a stack is odd") })
	c.does(func() { c.times.Note("a stack is odd") })
	// What is still to come when enough was seen is waited for.
	c.end = func() {
		c.times.Add(trace.CPUSample{PID: 1, Object: a, Time: c.us(3200), Weight: cpuPeriod})
	}
	sum := c.run(t, func(p *trace.Pipeline) {
		p.Name = namer{}
		p.Keep = func(x *trace.Exchange) string { return map[string]string{"/b": "--path"}[x.Path] }
	})
	if got := c.says(); got != "/a 4" {
		t.Errorf("shown are %s", got)
	}
	if want := (trace.CPUUse{Period: cpuPeriod, Samples: 12, Shown: 4, Others: 4}); sum.CPU != want || sum.CPU.None() != 4 {
		t.Errorf("%+v, want %+v", sum.CPU, want)
	}
	if want := []string{"a stack is odd", "nothing is called /c"}; !slices.Equal(sum.Notes, want) {
		t.Errorf("notes are %q, want %q", sum.Notes, want)
	}
	if sum.Seen != 2 || sum.Shown != 1 || !maps.Equal(sum.Lost, map[string]uint64{"samples_ring_full": 7}) {
		t.Errorf("%+v", sum)
	}
}

// TestCPUTimesNeedTheRequestObject: without it nothing is told, and that is said.
func TestCPUTimesNeedTheRequestObject(t *testing.T) {
	c := newCPUTale()
	c.ends("/a", 1, trace.Object{}, 1000)
	c.ends("/b", 1, c.object(0x1000, 0), 2000)
	c.ends("/c", 1, trace.Object{}, 3000)
	sum := c.run(t, nil)
	if want := []string{"CPU time is not told of 2 requests: their request objects were not read"}; !slices.Equal(sum.Notes, want) || c.shown[0].CPU.Period != 0 {
		t.Errorf("notes are %q, want %q", sum.Notes, want)
	}
}

func TestCPUTimesOfRequestsFromBefore(t *testing.T) {
	c := newCPUTale()
	c.ends("/a", 1, c.object(0x1000, -2_000_000), 0)
	c.ends("/b", 1, c.object(0x1000, 1000), 2000)
	c.run(t, nil)
	if len(c.shown) != 2 || len(c.shown[0].Incomplete) != 1 || len(c.shown[1].Incomplete) != 0 {
		t.Errorf("%+v", c.shown)
	}
}

// TestCPUTimesEndWithTheCount shows what was counted, though it has to wait.
func TestCPUTimesEndWithTheCount(t *testing.T) {
	c := newCPUTale()
	for i := range 5 {
		c.ends(fmt.Sprintf("/%d", i), 1, c.object(0x1000, i*1000), i*1000+500)
	}
	sum := c.run(t, func(p *trace.Pipeline) { p.Count = 3 })
	if got := c.says(); got != "/0 0, /1 0, /2 0" || sum.Shown != 3 {
		t.Errorf("shown are %s; %+v", got, sum)
	}
}

// TestCPUTimesAreBounded: a sampler that does not come on costs samples, and no exchange.
func TestCPUTimesAreBounded(t *testing.T) {
	const held, samples, requests = 1 << 14, 1 << 17, 20_000
	c := newCPUTale()
	for i := range requests {
		c.ends(fmt.Sprintf("/%d", i), 1, c.object(0x1000, i*1000), i*1000+500)
	}
	for i := range samples + 1000 { // each of its own request, which never ends
		c.samples(2, c.object(uint64(i+1)*16, 0), false, i)
	}
	sum := c.run(t, nil)
	if len(c.shown) != requests || sum.Shown != requests {
		t.Errorf("%d exchanges are shown, of %d", len(c.shown), requests)
	}
	for i := range c.shown {
		if want := fmt.Sprintf("/%d", i); c.shown[i].Path != want {
			t.Fatalf("%s is shown where %s should be", c.shown[i].Path, want)
		}
	}
	if note := fmt.Sprintf("%d requests were shown before all of their CPU samples had come", requests-held); len(sum.Notes) != 1 || !strings.HasPrefix(sum.Notes[0], note) {
		t.Errorf("notes are %q, want %q", sum.Notes, note)
	}
	if sum.Lost["cpu_samples_full"] != 1000 || sum.CPU.Samples != samples+1000 || sum.CPU.Others != samples+1000 {
		t.Errorf("%+v, lost %v", sum.CPU, sum.Lost)
	}
}
