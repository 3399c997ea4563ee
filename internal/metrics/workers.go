package metrics

import (
	"slices"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// worker is what was counted of one.
type worker struct {
	requests uint64
	told     []WorkerSecond // of the last five minutes, the newest last
	first    time.Time
	ticks    [trace.TickClasses]uint64
	longest  time.Duration
	at       time.Time // when the longest was told
	cpu, of  time.Duration
}

// A WorkerSecond is a second of a worker, or so.
type WorkerSecond = trace.Worker

// worker returns what is counted of a worker; nil where nothing tells which one it is.
func (r *Requests) worker(pid int) *worker {
	if w := r.workers[pid]; w != nil || pid == 0 {
		return w
	}
	if len(r.workers) >= maxWorkers {
		if r.crew == nil {
			r.crew = &worker{}
		}
		return r.crew
	}
	if r.workers == nil {
		r.workers = map[int]*worker{}
	}
	w := &worker{}
	r.workers[pid] = w
	return w
}

// AddWorker counts what a worker did.
func (r *Requests) AddWorker(told *trace.Worker) {
	w := r.worker(told.PID)
	if w == nil {
		return
	}
	if w.first.IsZero() {
		w.first = told.Time.Add(-told.Span)
	}
	if w != r.crew {
		if len(w.told) >= recentSeconds {
			w.told = slices.Delete(w.told, 0, len(w.told)-recentSeconds+1)
		}
		w.told = append(w.told, *told)
	}
	for i, n := range told.Ticks {
		w.ticks[i] += n
	}
	if told.Longest > w.longest {
		w.longest, w.at = told.Longest, told.Time
	}
	if told.CPU >= 0 {
		w.cpu += told.CPU
		w.of += told.Span
	}
}

// WorkerSeen is what a worker did in the window.
type WorkerSeen struct {
	PID       int
	Other     bool // the workers beyond the first 256: PID is 0, Recent empty, CPU their mean
	Requests  uint64
	First     time.Time // since when it was told of; zero for never
	CPU       float64   // share of one CPU that it used, while that was known; -1 for never
	Ticks     [trace.TickClasses]uint64
	Longest   time.Duration  // of all its ticks; 0 where they were not watched
	LongestAt time.Time      // within a second
	Recent    []WorkerSecond // the last five minutes, the newest last; valid until the next AddWorker
}

// Last returns what was told of the worker last; the zero Worker if nothing was.
func (w *WorkerSeen) Last() trace.Worker {
	if len(w.Recent) == 0 {
		return trace.Worker{PID: w.PID, CPU: -1, Conns: -1, Unwatched: true}
	}
	return w.Recent[len(w.Recent)-1]
}

// Workers returns what the workers did, by PID, and last those beyond the first 256.
func (r *Requests) Workers() []WorkerSeen {
	all := make([]WorkerSeen, 0, len(r.workers)+1)
	for pid, w := range r.workers {
		all = append(all, w.seen(pid))
	}
	slices.SortFunc(all, func(a, b WorkerSeen) int { return a.PID - b.PID })
	if r.crew != nil {
		others := r.crew.seen(0)
		others.Other = true
		all = append(all, others)
	}
	return all
}

func (w *worker) seen(pid int) WorkerSeen {
	s := WorkerSeen{
		PID: pid, Requests: w.requests, First: w.first, CPU: -1, Ticks: w.ticks, Longest: w.longest, LongestAt: w.at, Recent: w.told,
	}
	if w.of > 0 {
		s.CPU = float64(w.cpu) / float64(w.of)
	}
	return s
}
