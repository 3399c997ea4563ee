package render

import (
	"fmt"
	"strconv"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// cpuFew samples tell the order of magnitude: of ten the error is a third.
const cpuFew = 10

// cpuTime returns the CPU time of one of so many requests. Where it met no sample, that is
// less than what one stands for, and not nothing; "-" where none were taken. Few samples of
// many requests are marked.
func cpuTime(c *trace.CPU, requests uint64) string {
	switch {
	case c.Period <= 0 || requests == 0:
		return "-"
	case c.Samples == 0:
		return "<" + text.Duration(c.Period/time.Duration(requests))
	}
	mean := text.Duration(c.Time / time.Duration(requests))
	if requests > 1 && c.Samples < cpuFew {
		return "~" + mean
	}
	return mean
}

// cpuWords tells the CPU time of a request for people.
func cpuWords(c *trace.CPU) string {
	samples := strconv.Itoa(c.Samples) + " samples"
	switch c.Samples {
	case 0:
		samples = "no sample"
	case 1:
		samples = "1 sample"
	}
	return cpuTime(c, 1) + " in Lua (" + samples + ")"
}

// cpuField tells it for programs; of a request that was not sampled it adds nothing.
func cpuField(b []byte, c *trace.CPU) []byte {
	if c.Period <= 0 {
		return b
	}
	b = append(b, `"cpu":{`...)
	b = intField(b, `"samples":`, int64(c.Samples))
	b = intField(b, `"time_ns":`, int64(c.Time))
	b = intField(b, `"period_ns":`, int64(c.Period))
	return append(shut(b, '}'), ',')
}

// cpuUseField tells what all samples of a window were of.
func cpuUseField(b []byte, u *trace.CPUUse) []byte {
	if u.Period <= 0 {
		return b
	}
	b = append(b, `"cpu":{`...)
	b = intField(b, `"samples":`, int64(u.Samples))
	b = intField(b, `"shown":`, int64(u.Shown))
	b = intField(b, `"others":`, int64(u.Others))
	b = intField(b, `"none":`, int64(u.None()))
	b = intField(b, `"period_ns":`, int64(u.Period))
	return append(shut(b, '}'), ',')
}

// cpuUse tells the same for people.
func cpuUse(u *trace.CPUUse) string {
	if u.Samples == 0 {
		return "cpu: no sample of a worker, at one each " + text.Duration(u.Period) + " of CPU time"
	}
	share := func(n uint64) string { return fmt.Sprintf("%.1f%%", 100*float64(n)/float64(u.Samples)) }
	return fmt.Sprintf("cpu: %s in %s samples of the workers: %s in Lua for the requests shown, %s for others, %s names no request",
		text.Duration(time.Duration(u.Samples)*u.Period), count(u.Samples), share(u.Shown), share(u.Others), share(u.None()))
}
