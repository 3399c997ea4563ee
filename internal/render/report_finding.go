package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
)

// finding is a sentence about the window that its numbers prove, and how grave it is.
type finding struct {
	Level string // a class of the style sheet: good, plain, warn or bad
	Text  string
}

// findings says what happened, the gravest first.
func (p *reportPage) findings() []finding {
	d := p.digest
	all := d.requests.Total()
	if all.Requests == 0 {
		return []finding{{"warn", "No request was seen in the window."}}
	}
	var out []finding
	add := func(level, s string) {
		if s != "" {
			out = append(out, finding{level, text.Clean(s)})
		}
	}
	told, rest := p.failing()
	for _, s := range told {
		add("bad", s)
	}
	add("plain", rest)
	add("bad", p.failingNode())
	add("warn", p.slower())
	add("warn", d.slow.words())
	add("warn", d.retries())
	for _, s := range p.blocked() {
		add("warn", s)
	}
	add("plain", p.busiest())
	if all.Errors == 0 {
		out = slices.Insert(out, 0, finding{"good", fmt.Sprintf("No request failed: all %s were answered with a status below 500.", count(all.Requests))})
	}
	if refused := all.Classes[4]; refused > 0 {
		add("plain", fmt.Sprintf("%s requests (%s) were refused with a status of 4xx.", count(refused), portion(refused, all.Requests)))
	}
	if d.sum.Lost != nil && losses(d.sum.Lost) != "0" {
		add("warn", "Numbers are lower bounds: lost "+losses(d.sum.Lost)+".")
	}
	if p.Cut != "" {
		add("warn", sentence(p.Cut))
	}
	return out
}

// portion is a share in percent.
func portion(n, of uint64) string { return percent(float64(n) / float64(max(of, 1))) }

// span is a run of steps of time, without its end.
type span struct{ from, to int }

// failing tells when requests failed, and why. Where that was for a while, it says how it was
// outside of that.
func (p *reportPage) failing() (told []string, rest string) {
	d := p.digest
	total := d.requests.Total()
	failed, all := total.Errors, total.Requests
	if failed == 0 {
		return nil, ""
	}
	whole := span{0, len(d.series.steps)}
	spans := d.series.failing()
	if len(spans) == 0 {
		s := fmt.Sprintf("%s of %s requests (%s) failed", count(failed), count(all), portion(failed, all))
		if why := d.series.why(whole); why != "" {
			s += ": " + why
		}
		return []string{s + "."}, ""
	}
	for _, at := range spans {
		told = append(told, p.episode(at))
	}
	sum := d.series.sum(spans...)
	switch others := all - sum.requests(); {
	case failed > sum.failed():
		rest = fmt.Sprintf("Outside of that %s of %s requests (%s) failed.", count(failed-sum.failed()), count(others), portion(failed-sum.failed(), others))
	case others > 0:
		rest = fmt.Sprintf("Outside of that none of %s requests failed.", count(others))
	}
	return told, rest
}

// episode tells of a run of steps in which more failed than usual.
func (p *reportPage) episode(at span) string {
	s := &p.digest.series
	sum := s.sum(at)
	peak, most := at.from, -1.0
	for i := at.from; i < at.to; i++ {
		if of := s.steps[i]; of != nil && of.requests() >= s.usualRequests()/2 {
			if share := float64(of.failed()) / float64(of.requests()); share > most {
				peak, most = i, share
			}
		}
	}
	said := fmt.Sprintf("From %s to %s %s of %s requests (%s) failed", p.clock(s.time(at.from)), p.clock(s.time(at.to)), count(sum.failed()), count(sum.requests()), portion(sum.failed(), sum.requests()))
	if of := s.steps[peak]; at.to-at.from > 1 && of != nil {
		said += fmt.Sprintf(", at most %s at %s", portion(of.failed(), of.requests()), p.clock(s.time(peak)))
	}
	return said + ": " + s.why(at) + "."
}

// failing returns the runs in which the share of failed requests is at least 1% and twice
// what it is in a quiet step, in the order of time. Of those that have at least a tenth of
// all failures, and not only a few, it returns the three with most.
func (s *series) failing() []span {
	var shares []float64
	for _, of := range s.steps {
		if of != nil {
			shares = append(shares, float64(of.failed())/float64(of.requests()))
		}
	}
	if len(shares) == 0 {
		return nil
	}
	slices.Sort(shares)
	quiet := shares[len(shares)/4]
	all := s.runs(func(of *step) bool {
		share := float64(of.failed()) / float64(of.requests())
		return of.failed() > 0 && share >= 0.01 && share >= 2*quiet
	})
	slices.SortStableFunc(all, func(a, b span) int {
		x, y := s.sum(a), s.sum(b)
		return cmp.Compare(y.failed(), x.failed())
	})
	const most, few = 3, 5
	failed := s.sum(span{0, len(s.steps)}).failed()
	all = slices.DeleteFunc(all, func(at span) bool {
		n := s.sum(at).failed()
		return n < few || 10*n < failed
	})
	all = all[:min(len(all), most)]
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	return all
}

// runs returns where a condition holds; three steps without do not end a run.
func (s *series) runs(holds func(*step) bool) []span {
	const gap = 3
	var all []span
	for i, of := range s.steps {
		if of == nil || !holds(of) {
			continue
		}
		if n := len(all); n > 0 && i-all[n-1].to <= gap {
			all[n-1].to = i + 1
		} else {
			all = append(all, span{i, i + 1})
		}
	}
	return all
}

// sum adds up what ended in some runs.
func (s *series) sum(spans ...span) *step {
	sum := &step{}
	for _, at := range spans {
		sum = merged(append([]*step{sum}, s.steps[at.from:at.to]...))
	}
	return sum
}

// usualRequests is the median of the requests of a step.
func (s *series) usualRequests() uint64 {
	var all []uint64
	for _, of := range s.steps {
		if of != nil {
			all = append(all, of.requests())
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// why tells the reasons of the failures in a run, the most frequent first.
func (s *series) why(at span) string {
	type reason struct {
		words string
		n     uint64
	}
	sum := s.sum(at)
	var all []reason
	for i := range s.causes {
		if n := uint64(sum.causes[i]); n > 0 {
			words := s.causes[i].words()
			if k := slices.IndexFunc(all, func(r reason) bool { return r.words == words }); k >= 0 {
				all[k].n += n
			} else {
				all = append(all, reason{words, n})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b reason) int { return cmp.Compare(b.n, a.n) })
	if len(all) == 1 && all[0].n == sum.failed() {
		if sum.failed() == 1 {
			return all[0].words
		}
		return "all because " + all[0].words
	}
	const told = 3
	var out []string
	rest := sum.failed()
	for _, r := range all[:min(len(all), told)] {
		out = append(out, fmt.Sprintf("%s because %s", count(r.n), r.words))
		rest -= r.n
	}
	if rest > 0 {
		out = append(out, count(rest)+" for other reasons")
	}
	return strings.Join(out, "; ")
}

// slower tells when the slow requests were slower than usual.
func (p *reportPage) slower() string {
	s := &p.digest.series
	enough := max(s.usualRequests()/2, 5)
	var usual []time.Duration
	for _, of := range s.steps {
		if of != nil && of.requests() >= enough {
			usual = append(usual, of.took.Quantile(0.99))
		}
	}
	const steps = 5 // of fewer none is usual
	if len(usual) < steps {
		return ""
	}
	slices.Sort(usual)
	median := usual[len(usual)/2]
	const times, least = 3, 20 * time.Millisecond
	var at span
	var peak time.Duration
	for _, run := range s.runs(func(of *step) bool {
		return of.requests() >= enough && of.took.Quantile(0.99) >= max(times*median, median+least)
	}) {
		for _, of := range s.steps[run.from:run.to] {
			if of != nil && of.requests() >= enough && of.took.Quantile(0.99) > peak {
				at, peak = run, of.took.Quantile(0.99)
			}
		}
	}
	if peak == 0 {
		return ""
	}
	return fmt.Sprintf("From %s to %s p99 of the time that requests took was up to %s; its median over the window is %s.",
		p.clock(s.time(at.from)), p.clock(s.time(at.to)), text.Duration(peak), text.Duration(median))
}

// retries tells what came of trying again.
func (d *Digest) retries() string {
	switch {
	case d.retried == 0:
		return ""
	case d.rescued == d.retried:
		return fmt.Sprintf("%s requests were tried at more than one node, and all of them were answered in the end.", count(d.retried))
	}
	return fmt.Sprintf("%s requests were tried at more than one node: %s of them were answered in the end, %s failed.", count(d.retried), count(d.rescued), count(d.retried-d.rescued))
}
