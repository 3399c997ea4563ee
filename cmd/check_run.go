package cmd

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/check"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

const (
	usualObservation = 30 * time.Second // for a file that does not say how long
	// grace is how long after the last answer the gateway's side of it may come.
	grace = 3 * time.Second
	// echo is how long after that something may come a second time.
	echo = 100 * time.Millisecond
	// knock is how often a gateway that is to come is looked for.
	knock = 200 * time.Millisecond
)

// checkRun is one run of a plan: the window, and what is sent into it.
type checkRun struct {
	env       Env
	o         *checkOptions
	plan      *check.Plan
	senders   []*check.Sender
	collector *check.Collector
}

func newCheckRun(env Env, o *checkOptions, plan *check.Plan) (*checkRun, error) {
	r := &checkRun{env: env, o: o, plan: plan, collector: check.NewCollector(plan)}
	for i := range plan.Requests {
		s, err := check.NewSender(&plan.Requests[i])
		if err != nil {
			return nil, err
		}
		r.senders = append(r.senders, s)
	}
	return r, nil
}

// run sends what is to be sent and watches. The error says why the checks could not be run.
func (r *checkRun) run(ctx context.Context) (check.End, error) {
	if err := r.env.Ready(); err != nil {
		return r.blind(ctx, err)
	}
	target, err := r.find(ctx)
	if err != nil {
		return check.End{}, err
	}
	told := newTalk(r.env)
	names, err := r.o.names.open(ctx, r.env, target, told)
	if err != nil {
		return check.End{}, err
	}
	told.say("gateway: %s", describe(target))
	told.say("checking for up to %s; Ctrl-C ends it", text.Duration(r.period()))
	return r.watch(ctx, &window{
		env: r.env, talk: &talk{w: r.env.Err, on: r.env.verbose()}, target: target, names: names, command: "check",
		read: bpf.Options{Probes: true}, to: r.collector, out: &output{}, quiet: true,
	})
}

// find finds the gateway, and waits for one if that was asked for.
func (r *checkRun) find(ctx context.Context) (*gateway.Target, error) {
	over := time.Now().Add(r.o.wait)
	for {
		target, err := r.env.find(ctx, r.o.query)
		awaited := errors.Is(err, gateway.ErrNotFound) || err == nil && len(target.Workers()) == 0
		if !awaited || ctx.Err() != nil || time.Now().After(over) {
			return target, err
		}
		pause(ctx, knock)
	}
}

// blind sends without watching, for the reason that cause is.
func (r *checkRun) blind(ctx context.Context, cause error) (check.End, error) {
	if len(r.plan.Requests) == 0 {
		return check.End{}, cause // there is nothing else to be judged
	}
	r.send(ctx, time.Now().Add(r.period()))
	return check.End{Blind: cause.Error()}, nil
}

// watch opens the window, and works while it is open.
func (r *checkRun) watch(ctx context.Context, w *window) (check.End, error) {
	inside, end := context.WithCancel(ctx)
	defer end()
	armed := make(chan struct{})
	w.env.OpenTrace = func(ctx context.Context, o bpf.Options) (trace.Source, error) {
		src, err := r.env.OpenTrace(ctx, o)
		if err == nil {
			close(armed)
		}
		return src, err
	}
	var failed error
	var watched sync.WaitGroup
	watched.Go(func() {
		defer end()
		_, failed = w.run(inside)
	})
	opened, early := false, false
	select {
	case <-armed:
		opened = true
		r.work(inside)
		early = inside.Err() != nil
	case <-inside.Done():
	}
	end()
	watched.Wait()
	switch {
	case !opened && errors.Is(failed, fs.ErrPermission):
		return r.blind(ctx, failed)
	case failed != nil:
		return check.End{}, failed
	case early && ctx.Err() == nil:
		return check.End{Cut: "the window ended early: is the gateway gone?"}, nil
	}
	return check.End{}, nil
}

// work sends, observes for as long as is asked, and waits until all that was sent is seen.
func (r *checkRun) work(ctx context.Context) {
	over := time.Now().Add(r.period())
	r.send(ctx, over)
	if len(r.plan.Observe) > 0 {
		pause(ctx, time.Until(over))
	}
	select {
	case <-r.collector.AllSeen():
		pause(ctx, echo)
	case <-time.After(grace):
	case <-ctx.Done():
	}
}

// period is how long the run may send, and observes.
func (r *checkRun) period() time.Duration {
	if r.plan.For > 0 {
		return r.plan.For
	}
	return usualObservation
}

// send sends all requests, one check after the other, and begins none after the time is over.
func (r *checkRun) send(ctx context.Context, over time.Time) {
	for i, s := range r.senders {
		r.env.Log.Info("send", "check", r.plan.Requests[i].Name)
		s.Send(ctx, over, func(id trace.TraceID) { r.collector.Sending(i, id) }, r.collector.Sent)
	}
	r.collector.Done()
}

// pause waits, but not for longer than the context does.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
