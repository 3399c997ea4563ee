package testrig

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"sync"
	"time"
)

// A Rig is a running test gateway with its upstreams. Its methods may be
// called from several goroutines.
type Rig struct {
	opts      Options
	dir       string
	conf      config
	upstreams *upstreams
	master    *process
	device    string // our end of the veth pair, "" without NetNS
	closing   sync.Once
	closeErr  error
}

// startTimeout bounds Start, whatever its context says.
const startTimeout = 20 * time.Second

// Start builds a rig and returns when it answers. The caller closes it. The
// context is for starting alone.
func Start(ctx context.Context, o Options) (*Rig, error) {
	return begin(ctx, o, func(ctx context.Context, r *Rig) error { return r.start(ctx, r.startGateway) })
}

// begin makes a rig's directory and has it started.
func begin(ctx context.Context, o Options, start func(context.Context, *Rig) error) (*Rig, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(o.Dir, "apisixscope-rig-")
	if err != nil {
		return nil, fmt.Errorf("start rig: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	r := &Rig{opts: o, dir: dir}
	if err := start(ctx, r); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// start starts the upstreams, and then the gateway.
func (r *Rig) start(ctx context.Context, gateway func(context.Context) error) error {
	// Workers run as another user: they may pass through, and read what is theirs.
	if err := os.Chmod(r.dir, 0o711); err != nil {
		return fmt.Errorf("start rig: %w", err)
	}
	var err error
	if r.upstreams, err = startUpstreams(r.dir, r.opts.NetNS); err != nil {
		return err
	}
	set := setUp{Dir: r.dir, Record: r.opts.Record}
	if r.opts.NetNS {
		if r.device, set.Addr, err = linkNetwork(r.upstreams.proc.pid()); err != nil {
			return fmt.Errorf("link network namespace: %w", err)
		}
	}
	ready, err := r.upstreams.ask(ctx, command{Verb: verbSetUp, SetUp: set})
	if err != nil {
		return err
	}
	r.upstreams.nodes = ready.Nodes
	return gateway(ctx)
}

// Close ends every process of the rig and removes its directory and network.
// It may be called more than once.
func (r *Rig) Close() error {
	r.closing.Do(func() {
		r.StopMaster()
		if r.upstreams != nil {
			r.upstreams.close()
		}
		if r.device != "" {
			unlinkNetwork(r.device)
		}
		if err := os.RemoveAll(r.dir); err != nil {
			r.closeErr = fmt.Errorf("close rig: %w", err)
		}
	})
	return r.closeErr
}

// Addr returns the gateway's ip:port for plain HTTP/1.1.
func (r *Rig) Addr() string { return r.conf.HTTP }

// TLSAddr returns the gateway's ip:port for TLS, with HTTP/2 or HTTP/1.1.
func (r *Rig) TLSAddr() string { return r.conf.TLS }

// H2CAddr returns the gateway's ip:port for HTTP/2 without TLS.
func (r *Rig) H2CAddr() string { return r.conf.H2C }

// Dir returns the rig's directory: nginx.conf, logs, Lua modules.
func (r *Rig) Dir() string { return r.dir }

// Nodes returns the upstream nodes' ip:port by name.
func (r *Rig) Nodes() map[string]string { return maps.Clone(r.upstreams.nodes) }

// UpstreamsPID returns the pid of the process that all nodes live in.
func (r *Rig) UpstreamsPID() int { return r.upstreams.proc.pid() }

// URL returns the URL of kind's route at the gateway. The Host header must
// carry the route's host, see RouteOf.
func (r *Rig) URL(kind Kind) (string, error) {
	route, err := RouteOf(kind)
	if err != nil {
		return "", err
	}
	return r.Target().url(route), nil
}

// Records returns what the upstreams wrote down, in no order. A request's
// record is there once the request has ended, which can be a moment after the
// client has its answer.
func (r *Rig) Records(ctx context.Context) ([]Record, error) {
	if !r.opts.Record {
		return nil, errors.New("fetch records: the rig was started without Options.Record")
	}
	var all []Record
	for shard := range recorderShards {
		got, err := r.upstreams.ask(ctx, command{Verb: verbRecords, Shard: shard})
		if err != nil {
			return nil, err
		}
		all = append(all, got.Records...)
	}
	return all, nil
}

// ResetRecords forgets the records so far.
func (r *Rig) ResetRecords(ctx context.Context) error {
	_, err := r.upstreams.ask(ctx, command{Verb: verbReset})
	return err
}
