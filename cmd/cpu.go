package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/trace"
)

// cpuOptions is what a user may ask about the CPU time of single requests.
type cpuOptions struct {
	on bool
	hz int // samples a second of each CPU; 0 for the usual
}

// usualHz is no divisor of what happens a hundred times a second.
const usualHz = 99

func (o *cpuOptions) addFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.on, "cpu", false, "also tell for how long Lua ran for each request, by samples of the CPU; shows requests up to half a second later")
	f.Var(number[int]{&o.hz, 1}, "hz", "take so many samples a second of each CPU, with --cpu (default 99)")
}

// check says what is wrong with the flags.
func (o *cpuOptions) check(probes string) error {
	switch {
	case o.hz > 0 && !o.on:
		return hint.Wrap(hint.Misuse(errors.New("--hz is of no use without --cpu")), "add --cpu, or leave it out")
	case o.hz > maxHz:
		return tooFast(o.hz)
	case o.on && probes == "off":
		return hint.Wrap(hint.Misuse(errors.New("--cpu cannot be told with --probes off")), "leave one of the two out")
	}
	return nil
}

// cpuSampler takes the samples for a trace.
type cpuSampler struct {
	times *trace.CPUTimes
	stop  context.CancelFunc
	done  chan struct{}
	err   error // once done is closed
}

// openCPU begins to sample the gateway of w, until the trace has seen enough; nil if that is
// not asked for. It calls fail when it cannot go on.
func (w *window) openCPU(ctx context.Context, fail func()) (*cpuSampler, error) {
	t := w.target
	if !w.cpu.on {
		return nil, nil
	}
	switch {
	case w.env.OpenProfile == nil:
		return nil, errors.New("sample stacks for --cpu: this program was built without its sampler")
	case t.Lua == nil:
		return nil, hint.Wrap(errors.New("sample stacks for --cpu: this is a plain nginx: no Lua runs for its requests"), "leave --cpu out")
	case !t.LayoutSource.Known():
		err := fmt.Errorf("sample stacks for --cpu: the request object of %s is not known: stacks cannot tell of requests", t.Version)
		return nil, hint.Wrap(err, "leave --cpu out, or use apisixscope profile for the workers as a whole")
	}
	hz := w.cpu.hz
	if hz == 0 {
		hz = usualHz
	}
	asked := Sampling{Target: t, Kind: profile.CPU, Hz: hz, Swept: true, Bare: true, Log: w.env.Log}
	src, err := w.env.OpenProfile(ctx, asked)
	if err != nil {
		return nil, fmt.Errorf("sample stacks for --cpu: %w", err)
	}
	// The window's end is the trace's: what it ends with is still to be sampled.
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &cpuSampler{times: trace.NewCPUTimes(asked.period(), stop), stop: stop, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		defer s.times.Done()
		if s.err = errors.Join(s.move(ctx, src), src.Close()); s.err != nil {
			fail()
		}
	}()
	return s, nil
}

// move hands samples over until ctx is done.
func (s *cpuSampler) move(ctx context.Context, src profile.Source) error {
	for {
		p, err := src.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("sample stacks for --cpu: %w", err)
		}
		switch p.Kind {
		case profile.CPU:
			p.Label()
			s.times.Add(trace.CPUSample{
				PID: p.PID, Object: trace.Object{Address: p.Labels.Request, Started: p.Labels.Started},
				Time: p.Time, Count: int(p.Count), Weight: p.Weight, Log: p.Labels.Phase == "log",
			})
		case profile.Swept:
			s.times.Told(p.Time, p.Slept...)
		case profile.Lost:
			s.times.Lost(p.Cause, uint64(max(p.Count, 1)))
		case profile.Note:
			s.times.Note(p.Cause)
		}
	}
}

// tells returns what the pipeline asks; nil of a nil sampler.
func (s *cpuSampler) tells() *trace.CPUTimes {
	if s == nil {
		return nil
	}
	return s.times
}

// close ends the sampling, if it has not ended, and says what went wrong with it.
func (s *cpuSampler) close() error {
	if s == nil {
		return nil
	}
	s.stop()
	<-s.done
	return s.err
}
