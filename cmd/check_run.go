package cmd

import (
	"context"
	"sync"
	"time"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/check"
	"github.com/apisixscope/apisixscope/trace"
)

// usualObservation is for a file that does not say how long to observe.
const usualObservation = 30 * time.Second

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

// run sends what is to be sent and watches. blind says why nothing could be watched; err why
// the checks could not be run.
func (r *checkRun) run(ctx context.Context) (blind string, err error) {
	if err := r.env.Ready(); err != nil {
		if len(r.plan.Requests) == 0 {
			return "", err // there is nothing else to be judged
		}
		r.send(ctx)
		return err.Error(), nil
	}
	target, err := r.env.find(ctx, r.o.query)
	if err != nil {
		return "", err
	}
	talk := newTalk(r.env)
	names, err := r.o.names.open(ctx, r.env, target, talk)
	if err != nil {
		return "", err
	}
	inside, end := context.WithCancel(ctx)
	defer end()
	armed := make(chan struct{})
	env := r.env
	env.OpenTrace = func(ctx context.Context, o bpf.Options) (trace.Source, error) {
		src, err := r.env.OpenTrace(ctx, o)
		if err == nil {
			close(armed)
		}
		return src, err
	}
	w := &window{
		env: env, talk: talk, target: target, names: names, command: "check", read: bpf.Options{Probes: true},
		to: r.collector, out: &output{}, quiet: true,
	}
	var failed error
	var watched sync.WaitGroup
	watched.Go(func() {
		defer end()
		_, failed = w.run(inside)
	})
	select {
	case <-armed:
		r.work(inside)
	case <-inside.Done():
	}
	end()
	watched.Wait()
	return "", failed
}

// work sends, observes for as long as is asked, and waits until all that was sent is seen.
func (r *checkRun) work(ctx context.Context) {
	over := time.NewTimer(r.observation())
	defer over.Stop()
	r.send(ctx)
	if len(r.plan.Observe) > 0 {
		select {
		case <-over.C:
		case <-ctx.Done():
		}
	}
	select {
	case <-r.collector.AllSeen():
	case <-time.After(check.Grace):
	case <-ctx.Done():
	}
}

func (r *checkRun) observation() time.Duration {
	if r.plan.For > 0 {
		return r.plan.For
	}
	return usualObservation
}

// send sends all requests, one check after the other.
func (r *checkRun) send(ctx context.Context) {
	for i, s := range r.senders {
		if r.env.verbose() {
			r.env.Log.Info("send", "check", r.plan.Requests[i].Name)
		}
		s.Send(ctx, func(id trace.TraceID) { r.collector.Sending(i, id) }, func(sent check.Sent) { r.collector.Sent(i, sent) })
	}
	r.collector.Done()
}
