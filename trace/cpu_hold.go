package trace

import (
	"fmt"
	"time"
)

// heldExchange is one that waits for its samples.
type heldExchange struct {
	key   cpuKey
	ended time.Time
	x     *Exchange // nil: nobody wants it, but its samples are to be known for what they are
}

// hold takes an exchange that is to be shown, and keeps a copy until its samples are there.
func (c *CPUTimes) hold(x *Exchange, show func(*Exchange) error) error {
	c.mu.Lock()
	c.held = append(c.held, heldExchange{cpuKeyOf(x.PID, &x.Object), x.Object.Ended, x.Clone()})
	full := len(c.held) > mostHeld
	c.mu.Unlock()
	if !full {
		return nil
	}
	if first, ok := c.next(true); ok && first != nil {
		c.early++
		return show(first)
	}
	return nil
}

// pass takes an exchange that is not to be shown.
func (c *CPUTimes) pass(x *Exchange) {
	if c == nil || x.Object.Address == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) < mostHeld {
		c.held = append(c.held, heldExchange{cpuKeyOf(x.PID, &x.Object), x.Object.Ended, nil})
	}
}

// release shows the exchanges whose samples are there, in the order in which they came. The
// first one that has to wait lets the others wait, too.
func (c *CPUTimes) release(show func(*Exchange) error) error {
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
		return h.x, true
	}
	used := c.take(h.key, h.ended)
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

// ready reports whether all samples of a request have come.
func (c *CPUTimes) ready(h *heldExchange) bool {
	if h.key.address == 0 {
		return true
	}
	over := h.ended
	if last := c.lastLog(h.key); last.After(over) {
		over = last
	}
	return c.told.After(over.Add(logQuiet + 2*c.period + clocksApart))
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
	if c.early > 0 {
		sum.Notes = append(sum.Notes, fmt.Sprintf("%d requests were shown before all of their CPU samples had come: too many waited", c.early))
	}
	sum.CPU = c.use
	return nil
}
