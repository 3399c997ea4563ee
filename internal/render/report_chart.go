package render

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
)

// chart is a picture of the window over time. Its plot is Steps wide and plotHeight high.
type chart struct {
	ID, Title, Text string // Text says what it shows, for those who do not see it
	Steps           int
	Height          int
	Grid            []gridLine
	Areas           []area
	Keys            []area // the legend
	Hover           []hover
}

// gridLine is a horizontal line with what it stands for.
type gridLine struct {
	Y     string // of the plot's height, in percent
	Label string
}

// area is a path, and in a legend what it means.
type area struct{ Class, Path, Label string }

// hover tells a step's numbers.
type hover struct {
	X     int
	Title string
}

// tick is a time below the charts.
type tick struct{ X, Anchor, Label, Class string }

const plotHeight = 100

// draw makes the charts, which share their steps.
func (p *reportPage) draw() {
	s := &p.digest.series
	if len(s.steps) == 0 {
		return
	}
	p.Axis = p.axis()
	p.Charts = []chart{p.rateChart(), p.failureChart(), p.latencyChart()}
}

// axis has five times.
func (p *reportPage) axis() []tick {
	s := &p.digest.series
	var out []tick
	const parts = 4
	for i := range parts + 1 {
		at := s.from.Add(time.Duration(len(s.steps)) * s.step * time.Duration(i) / parts)
		t := tick{X: strconv.Itoa(100 / parts * i), Anchor: "middle", Label: p.clock(at)}
		switch {
		case i == 0:
			t.Anchor = "start"
		case i == parts:
			t.Anchor = "end"
		case i%2 == 1:
			t.Class = "odd"
		}
		out = append(out, t)
	}
	return out
}

func (p *reportPage) newChart(id, title, words string) chart {
	return chart{ID: id, Title: title, Text: words, Steps: len(p.digest.series.steps), Height: plotHeight}
}

// rateChart stacks the answers of each class.
func (p *reportPage) rateChart() chart {
	s := &p.digest.series
	c := p.newChart("rate", "Requests a second", "Requests a second over the window, by what became of them.")
	per := s.step.Seconds()
	top := 0.0
	for _, of := range s.steps {
		if of != nil {
			top = max(top, float64(of.requests())/per)
		}
	}
	scale := roundUp(top)
	c.Grid = linearGrid(scale, number)
	// Each area reaches from the ground, and those of graver classes are drawn over it.
	for class, look := range []area{{Class: "good", Label: "answered"}, {Class: "refused", Label: "refused (4xx)"}, {Class: "failed", Label: "failed (5xx or no answer)"}} {
		look.Path = stairs(len(s.steps), func(i int) float64 {
			if s.steps[i] == nil {
				return 0
			}
			var n uint64
			for _, more := range s.steps[i].classes[class:] {
				n += more
			}
			return float64(n) / per / scale
		})
		c.Areas, c.Keys = append(c.Areas, look), append(c.Keys, look)
	}
	c.Hover = p.hovers(func(of *step) string {
		return fmt.Sprintf("%s requests, %s refused, %s failed", count(of.requests()), count(of.classes[classRefused]), count(of.failed()))
	})
	return c
}

// failureChart is the share of requests that failed.
func (p *reportPage) failureChart() chart {
	s := &p.digest.series
	c := p.newChart("failures", "Failed requests, in percent", "Share of the requests that failed, over the window.")
	share := func(i int) float64 {
		if s.steps[i] == nil {
			return 0
		}
		return float64(s.steps[i].failed()) / float64(s.steps[i].requests())
	}
	top := 0.0
	for i := range s.steps {
		top = max(top, share(i))
	}
	scale := min(roundUp(max(100*top, 1)), 100)
	c.Grid = linearGrid(scale, func(f float64) string { return strconv.FormatFloat(f, 'g', 3, 64) + "%" })
	c.Areas = []area{{Class: "failed", Path: stairs(len(s.steps), func(i int) float64 { return 100 * share(i) / scale })}}
	c.Hover = p.hovers(func(of *step) string {
		return fmt.Sprintf("%s of %s requests failed (%s)", count(of.failed()), count(of.requests()), portion(of.failed(), of.requests()))
	})
	return c
}

// latencyChart has p50 and p99 on a scale each of whose lines stands for ten times the one below.
func (p *reportPage) latencyChart() chart {
	s := &p.digest.series
	c := p.newChart("latency", "Time that requests took", "Half (p50) and 99 of 100 (p99) of the requests took no longer, over the window. The scale is logarithmic.")
	low, high := math.Inf(1), math.Inf(-1)
	quantile := func(i int, q float64) float64 {
		if s.steps[i] == nil {
			return math.NaN()
		}
		d := s.steps[i].took.Quantile(q)
		if d < 0 {
			return math.NaN()
		}
		return math.Log10(float64(max(d, time.Microsecond)))
	}
	for i := range s.steps {
		if v := quantile(i, 0.5); !math.IsNaN(v) {
			low, high = min(low, v), max(high, quantile(i, 0.99))
		}
	}
	if low > high { // nothing but conversations
		return c
	}
	low, high = math.Floor(low), max(math.Ceil(high), math.Floor(low)+1)
	for e := low; e <= high; e++ {
		c.Grid = append(c.Grid, gridLine{percentOf(1 - (e-low)/(high-low)), text.Duration(time.Duration(math.Pow(10, e) + 0.5))})
	}
	for _, line := range []struct {
		area
		q float64
	}{{area{Class: "p50", Label: "p50"}, 0.5}, {area{Class: "p99", Label: "p99"}, 0.99}} {
		line.Path = steps(len(s.steps), func(i int) float64 { return (quantile(i, line.q) - low) / (high - low) })
		c.Areas, c.Keys = append(c.Areas, line.area), append(c.Keys, line.area)
	}
	c.Hover = p.hovers(func(of *step) string {
		return "p50 " + lasted(of.took.Quantile(0.5)) + ", p99 " + lasted(of.took.Quantile(0.99)) + ", longest " + text.Duration(of.took.Max())
	})
	return c
}

func (p *reportPage) hovers(say func(*step) string) []hover {
	s := &p.digest.series
	var out []hover
	for i, of := range s.steps {
		if of != nil {
			out = append(out, hover{i, p.clock(s.time(i)) + ": " + say(of)})
		}
	}
	return out
}

// roundUp returns 1, 2 or 5 times a power of ten that is not less than f.
func roundUp(f float64) float64 {
	if f <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(f)))
	for _, n := range []float64{1, 2, 5} {
		if n*unit >= f {
			return n * unit
		}
	}
	return 10 * unit
}

func linearGrid(top float64, label func(float64) string) []gridLine {
	return []gridLine{{percentOf(0), label(top)}, {percentOf(0.5), label(top / 2)}, {percentOf(1), "0"}}
}

func percentOf(share float64) string { return strconv.FormatFloat(100*share, 'f', -1, 64) }

// stairs is an area below values from 0 to 1, of which each is a step wide.
func stairs(n int, value func(int) float64) string {
	var b strings.Builder
	b.WriteString("M0 " + strconv.Itoa(plotHeight))
	for i := range n {
		fmt.Fprintf(&b, "V%sH%d", height(value(i)), i+1)
	}
	fmt.Fprintf(&b, "V%dZ", plotHeight)
	return b.String()
}

// steps is a line along values from 0 to 1, with gaps where there is none.
func steps(n int, value func(int) float64) string {
	var b strings.Builder
	drawn := false
	for i := range n {
		v := value(i)
		switch {
		case math.IsNaN(v):
			drawn = false
			continue
		case drawn:
			fmt.Fprintf(&b, "V%sH%d", height(v), i+1)
		default:
			fmt.Fprintf(&b, "M%d %sH%d", i, height(v), i+1)
		}
		drawn = true
	}
	return b.String()
}

// height is where a value from 0 to 1 is in a plot.
func height(v float64) string {
	return strconv.FormatFloat(math.Round(10*plotHeight*(1-v))/10, 'f', -1, 64)
}

// sparkline is the picture of a row's last minutes.
type sparkline struct {
	Steps       int
	All, Failed string // paths
	Title       string
}

// sparkSteps is how many steps a sparkline has at most.
const sparkSteps = 60

// newSparkline draws what there was of a row in each second, and what of it failed.
func newSparkline(counts, errors []uint32) *sparkline {
	per := (len(counts) + sparkSteps - 1) / sparkSteps
	if per == 0 {
		return nil
	}
	var all, failed []float64
	for part := range slices.Chunk(counts, per) {
		all = append(all, mean(part))
	}
	for part := range slices.Chunk(errors, per) {
		failed = append(failed, mean(part))
	}
	top := max(slices.Max(all), 1e-9)
	return &sparkline{
		Steps:  len(all),
		All:    stairs(len(all), func(i int) float64 { return all[i] / top }),
		Failed: stairs(len(all), func(i int) float64 { return failed[i] / top }),
		Title:  "at most " + number(slices.Max(all)) + " a second, of which at most " + number(slices.Max(failed)) + " failed",
	}
}

func mean(all []uint32) float64 {
	var sum float64
	for _, n := range all {
		sum += float64(n)
	}
	return sum / float64(len(all))
}

// Step is how long a step of the charts is, for the template.
func (p *reportPage) Step() string {
	return strconv.FormatFloat(p.digest.series.step.Seconds(), 'f', -1, 64) + " s"
}
