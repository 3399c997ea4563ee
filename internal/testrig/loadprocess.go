package testrig

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// A LoadProcess is a load that runs in a process of its own, so that its
// sockets and its CPU time are not this process's.
type LoadProcess struct {
	proc   *process
	in     io.WriteCloser
	stderr *strings.Builder
	result chan loadOutcome
}

// A loadOutcome is what the child reports, once.
type loadOutcome struct {
	Result LoadResult
	Err    string
}

// Start sends the load from a child process. The caller calls Wait.
func (l Load) Start() (*LoadProcess, error) {
	cmd, err := roleLoad.command()
	if err != nil {
		return nil, err
	}
	p := &LoadProcess{stderr: &strings.Builder{}, result: make(chan loadOutcome, 1)}
	cmd.Stderr = p.stderr
	out, childOut, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start load: %w", err)
	}
	cmd.Stdout = childOut
	if p.in, err = cmd.StdinPipe(); err == nil {
		p.proc, err = startProcess(cmd)
	}
	childOut.Close()
	if err != nil {
		out.Close()
		return nil, fmt.Errorf("start load: %w", err)
	}

	go func() {
		defer out.Close()
		var o loadOutcome
		if err := gob.NewDecoder(out).Decode(&o); err != nil {
			<-p.proc.done
			o.Err = fmt.Sprintf("the load process ended early: %v: %s", p.proc.err, p.stderr)
		}
		p.result <- o
	}()
	if err := gob.NewEncoder(p.in).Encode(l); err != nil {
		p.Stop()
		return nil, fmt.Errorf("start load: %w", err)
	}
	return p, nil
}

// PID returns the load's process.
func (p *LoadProcess) PID() int { return p.proc.pid() }

// Stop ends the load before its time; Wait then has what was sent.
func (p *LoadProcess) Stop() { p.in.Close() }

// Wait returns the result once the load is over, or stops it when ctx ends.
// Call it once.
func (p *LoadProcess) Wait(ctx context.Context) (LoadResult, error) {
	var o loadOutcome
	select {
	case o = <-p.result:
	case <-ctx.Done():
		p.Stop()
		o = <-p.result
	}
	p.Stop()
	if !p.proc.wait(time.Second) {
		p.proc.cmd.Process.Kill()
	}
	if o.Err != "" {
		return o.Result, errors.New(o.Err)
	}
	return o.Result, nil
}

// runLoad is the load process: it reads a Load, sends it until it is over or
// in ends, and writes the outcome.
func runLoad(in io.Reader, out io.Writer) error {
	var l Load
	if err := gob.NewDecoder(in).Decode(&l); err != nil {
		return fmt.Errorf("read load: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		io.Copy(io.Discard, in)
		cancel()
	}()
	result, err := l.Run(ctx)
	o := loadOutcome{Result: result}
	if err != nil {
		o.Err = err.Error()
	}
	return gob.NewEncoder(out).Encode(o)
}
