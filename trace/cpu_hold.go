package trace

import (
	"fmt"
	"time"
)

// heldExchange is one that waits for its samples.
type heldExchange struct {
	key   cpuKey
	began time.Time // its first byte was read; zero where that was not seen
	ended time.Time
	x     *Exchange // nil: nobody wants it, but its samples are to be known for what they are
}

func heldOf(x *Exchange) heldExchange {
	h := heldExchange{key: cpuKeyOf(x.PID, &x.Object), ended: x.Object.Ended}
	if x.Clock == "ns" && !x.TLS { // of TLS the first byte may be another's
		h.began = x.Start.Add(max(x.Timing.GatewayQueue, 0))
	}
	return h
}

// hold takes the next exchange, and keeps a copy until its samples are there. Of one that is
// not wanted it only keeps whose samples these are.
func (c *CPUTimes) hold(x *Exchange, wanted bool, show func(*Exchange) error) error {
	h := heldOf(x)
	if wanted {
		h.x = x.Clone()
	}
	c.mu.Lock()
	if h.key.address != 0 {
		c.ends[h.key] = append(c.ends[h.key], h.ended)
	}
	c.held = append(c.held, h)
	full := len(c.held) > mostHeld
	c.mu.Unlock()
	if !full {
		return nil
	}
	first, _ := c.next(true)
	if first == nil {
		return nil
	}
	c.early++
	return show(first)
}

// release shows the exchanges whose samples are there, in the order in which they came. The
// first one that has to wait lets the others wait, too. All that ended before swept were
// told.
func (c *CPUTimes) release(swept time.Time, show func(*Exchange) error) error {
	c.mu.Lock()
	c.swept = swept
	c.mu.Unlock()
	for {
		x, ok := c.next(false)
		if !ok {
			return nil
		}
		if x == nil {
			continue
		}
		if err := show(x); err != nil {
			return err
		}
	}
}

// next takes the first exchange that waits, if it is ready or at once; it is nil where
// nobody wants it, and not ok where there is none.
func (c *CPUTimes) next(now bool) (x *Exchange, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) == 0 || !now && !c.ready(&c.held[0]) {
		return nil, false
	}
	h := c.held[0]
	c.held[0] = heldExchange{}
	c.held = c.held[1:]
	if h.key.address == 0 {
		if h.x != nil {
			c.unread++
		}
		return h.x, true
	}
	used := c.take(&h, c.nextEnd(h.key))
	if h.x == nil {
		c.use.Others += uint64(used.Samples)
		return nil, true
	}
	c.use.Shown += uint64(used.Samples)
	h.x.CPU = used
	if h.x.Object.Started.Before(c.began) {
		h.x.Incomplete = append(h.x.Incomplete, "CPU time: the request began before samples were taken")
	}
	return h.x, true
}

// nextEnd forgets the first end of a key, and returns the one behind it, zero for none.
func (c *CPUTimes) nextEnd(key cpuKey) time.Time {
	ends := c.ends[key][1:]
	if len(ends) == 0 {
		delete(c.ends, key)
		return time.Time{}
	}
	c.ends[key] = ends
	return ends[0]
}

// ready reports whether all samples of a request have come, and whose they are.
func (c *CPUTimes) ready(h *heldExchange) bool {
	if h.key.address == 0 {
		return true
	}
	over := c.lastLog(h.key, h.ended)
	if surely := over.Add(clocksApart); !c.told.After(surely) || !c.swept.After(surely) {
		return false
	}
	return c.movedOn(h, over) || c.told.After(over.Add(logQuiet))
}

// movedOn reports whether the worker is known to have done something else since the last
// sample of a request: there are no more. Samples that name no request prove nothing, for
// they may be of its log phase, too.
func (c *CPUTimes) movedOn(h *heldExchange, since time.Time) bool {
	if w := c.worker(h.key.pid); w.slept.After(since) || w.named.After(since) {
		return true
	}
	for i := range c.held {
		// Another request has ended, and all samples up to then have come.
		if o := &c.held[i]; o.key.pid == h.key.pid && o.ended.After(since) && c.told.After(o.ended.Add(clocksApart)) {
			return true
		} else if o.ended.After(c.told) {
			break // those behind it ended later
		}
	}
	return false
}

// finish waits for the last samples and shows what still waits. It adds to sum what the
// samples tell of the window.
func (c *CPUTimes) finish(sum *Summary, show func(*Exchange) error) error {
	c.end()
	<-c.done
	for {
		x, ok := c.next(true)
		if !ok {
			break
		}
		if x == nil {
			continue
		}
		if err := show(x); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.waiting > 0 {
		c.use.Others += uint64(c.forget(c.oldest.Front()))
	}
	for cause, n := range c.lost {
		if sum.Lost[cause] += n; cause == causeFull {
			c.use.Others += n
		}
	}
	sum.Notes = append(sum.Notes, c.notes...)
	if c.unread > 0 {
		sum.Notes = append(sum.Notes, fmt.Sprintf("CPU time is not told of %d requests: their request objects were not read", c.unread))
	}
	if c.early > 0 {
		sum.Notes = append(sum.Notes, fmt.Sprintf("%d requests were shown before all of their CPU samples had come: too many waited", c.early))
	}
	sum.CPU = c.use
	return nil
}
