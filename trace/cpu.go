package trace

import (
	"container/list"
	"slices"
	"sync"
	"time"
)

const (
	// mostCPUSamples bounds the samples that wait for the end of their requests, some 6 MB.
	mostCPUSamples = 1 << 17
	// mostHeld bounds the exchanges that wait for their samples.
	mostHeld = 1 << 14
	// logQuiet is for how long no sample of a request's log phase may come until that phase is
	// taken to be over, where nothing else proves it.
	logQuiet = time.Second
	// clocksApart is what the clocks of two sources may differ by, at most.
	clocksApart = time.Millisecond
	// causeFull names samples that had to go for mostCPUSamples.
	causeFull = "cpu_samples_full"
)

// CPUSample is a sample of what a worker of the gateway did.
type CPUSample struct {
	PID    int
	Object Object // that the stack names, without its end; no Address: it names none
	Time   time.Time
	Count  int           // of samples that were taken at once; 0 counts as 1
	Weight time.Duration // for which they stand
	// Log says that it is of the log phase, for which nginx has begun to free the request.
	Log bool
}

// CPUTimes ties samples to the requests for which Lua ran.
//
//	sampler -> Add, Told -> CPUTimes <- Pipeline, which holds each exchange until its samples are there
//
// Samples and requests come from two sources of the kernel, each at its own pace. All
// samples of a request up to its end were taken, by its own thread, before that end was
// told: once the sampler has come so far, none is missing. Those of the log phase come
// after it; that phase is over once the worker is seen to sleep, or to work for another
// request, for it does one thing at a time. Its exported methods are safe for concurrent use.
type CPUTimes struct {
	period time.Duration
	began  time.Time
	end    func()
	done   chan struct{}

	mu       sync.Mutex
	told     time.Time // all samples before it have come
	asked    time.Time // the same, when Told was called last
	workers  map[int]*cpuWorker
	requests map[cpuKey]*list.Element
	oldest   list.List // of *cpuRequest, by when their first sample came
	waiting  int       // samples in it
	held     []heldExchange
	ends     map[cpuKey][]time.Time // of the exchanges that are held
	swept    time.Time              // all requests that ended before it are held, or were
	early    uint64                 // exchanges that could not wait
	unread   uint64                 // those without a request object
	lost     map[string]uint64
	notes    []string
	use      CPUUse
}

// CPUUse is what the samples of a window were of.
type CPUUse struct {
	Period  time.Duration // 0: none were taken
	Samples uint64        // of the workers, all in all
	Shown   uint64        // of requests that were shown
	Others  uint64        // of requests that were not, or did not end in the window
}

// None is how many samples named no request: nginx's own work, its waits for the kernel,
// timers, and stacks of which not enough could be told.
func (u *CPUUse) None() uint64 { return u.Samples - u.Shown - u.Others }

// cpuKey tells requests of one address apart, but for those that begin within the same
// millisecond, as nginx's clock stands still within a tick: see take.
type cpuKey struct {
	pid     int
	address uint64
	started int64 // ms
}

func cpuKeyOf(pid int, o *Object) cpuKey { return cpuKey{pid, o.Address, o.Started.UnixMilli()} }

// cpuRequest is what waits for a request's end.
type cpuRequest struct {
	key     cpuKey
	samples []cpuSample // in the order of time: they are of one thread
}

type cpuSample struct {
	time   time.Time
	weight time.Duration
	count  int32
	log    bool
}

// cpuWorker is what was seen of a worker, as far as its samples have come.
type cpuWorker struct {
	named time.Time // the last sample that names a request
	slept time.Time // the worker was asleep at some time after
}

// NewCPUTimes returns CPUTimes of samples that are taken once a period from now on. The
// Pipeline calls end when it needs no more of them: Done must follow soon.
func NewCPUTimes(period time.Duration, end func()) *CPUTimes {
	return &CPUTimes{
		period: period, began: time.Now(), end: end, done: make(chan struct{}),
		workers: map[int]*cpuWorker{}, requests: map[cpuKey]*list.Element{}, ends: map[cpuKey][]time.Time{}, lost: map[string]uint64{}, use: CPUUse{Period: period},
	}
}

// Add takes a sample. Those of one thread must come in the order in which they were taken,
// and none that was taken before another may come much later than that.
func (c *CPUTimes) Add(s CPUSample) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tell(s.Time)
	n := max(s.Count, 1)
	c.use.Samples += uint64(n)
	if s.Object.Address == 0 {
		return
	}
	key := cpuKeyOf(s.PID, &s.Object)
	c.worker(s.PID).named = s.Time
	at := c.requests[key]
	if at == nil {
		at = c.oldest.PushBack(&cpuRequest{key: key})
		c.requests[key] = at
	}
	r := at.Value.(*cpuRequest)
	r.samples = append(r.samples, cpuSample{s.Time, s.Weight, int32(n), s.Log})
	c.waiting++
	for c.waiting > mostCPUSamples {
		// What has waited longest is most likely of a request whose end was lost.
		c.lost[causeFull] += uint64(c.forget(c.oldest.Front()))
	}
}

// Told says that all samples that were taken before t have been added, and which processes
// have slept since the last call and before t, or had ended.
func (c *CPUTimes) Told(t time.Time, slept ...int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, pid := range slept {
		c.worker(pid).slept = c.asked
	}
	c.tell(t)
	c.asked = t
}

func (c *CPUTimes) worker(pid int) *cpuWorker {
	w := c.workers[pid]
	if w == nil {
		w = &cpuWorker{}
		c.workers[pid] = w
	}
	return w
}

func (c *CPUTimes) tell(t time.Time) {
	if t.After(c.told) {
		c.told = t
	}
}

// Lost says that n samples could not be taken, because of cause.
func (c *CPUTimes) Lost(cause string, n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost[cause] += n
}

// Note keeps what the sampler has to say of itself for the window's summary.
func (c *CPUTimes) Note(text string) {
	const most = 64
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.notes) < most && !slices.Contains(c.notes, text) {
		c.notes = append(c.notes, text)
	}
}

// Done says that no more samples come. It is called once.
func (c *CPUTimes) Done() { close(c.done) }

// forget gives up all samples of a request, and returns how many they were.
func (c *CPUTimes) forget(at *list.Element) (n int) {
	r := c.oldest.Remove(at).(*cpuRequest)
	delete(c.requests, r.key)
	c.waiting -= len(r.samples)
	for i := range r.samples {
		n += int(r.samples[i].count)
	}
	return n
}

// take removes the samples of a request, and returns what they add up to; next is when the
// next request with its key ended. Requests of one key follow each other. A sample is of the
// one that ended next after it, but one of the log phase is of the one that ended last before
// it: what came when the next of them had ended is left.
func (c *CPUTimes) take(h *heldExchange, next time.Time) CPU {
	out := CPU{Period: c.period}
	at := c.requests[h.key]
	if at == nil {
		return out
	}
	r := at.Value.(*cpuRequest)
	n := 0
	for ; n < len(r.samples); n++ {
		s := &r.samples[n]
		later := s.time.After(h.ended)
		if later && (!s.log || !next.IsZero() && !s.time.Before(next)) {
			break
		}
		if !later && (s.log || s.time.Before(h.began)) {
			// Of the one before: its end was lost, or the stack did not tell of its log phase.
			c.use.Others += uint64(s.count)
			continue
		}
		out.Samples += int(s.count)
		out.Time += s.weight
	}
	c.waiting -= n
	if r.samples = r.samples[n:]; len(r.samples) == 0 {
		c.oldest.Remove(at)
		delete(c.requests, h.key)
	}
	return out
}

// lastLog returns when the last sample was taken that may be of the log phase of the request
// that ended then; its end without one.
func (c *CPUTimes) lastLog(key cpuKey, ended time.Time) time.Time {
	last := ended
	at := c.requests[key]
	if at == nil {
		return last
	}
	for _, s := range at.Value.(*cpuRequest).samples {
		switch later := s.time.After(ended); {
		case later && !s.log:
			return last
		case later:
			last = s.time
		}
	}
	return last
}
