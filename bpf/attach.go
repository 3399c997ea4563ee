package bpf

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/apisixscope/apisixscope/internal/gateway"
)

// attach arms everything, the request object's probes first: a request whose socket was
// watched is then ended by them. They tell nothing until all is armed.
func (s *Source) attach() error {
	if err := s.attachRequests(); err != nil {
		return err
	}
	p := s.objects.tracePrograms
	if err := attachTracing(&s.links, p.SchedProcessFork, p.SchedProcessExit); err != nil {
		return err
	}
	if len(s.uprobes) == 0 || !s.options.NoSockets {
		if err := s.watchSockets(); err != nil {
			return err
		}
	} else if s.options.Workers {
		if err := attachTracing(&s.links, p.TickEnds, p.TickBegins); err != nil {
			return err
		}
	}
	if len(s.uprobes) == 0 {
		return nil
	}
	if err := s.objects.RequestProbes.Set(traceRequestsREQUESTS_TOLD); err != nil {
		return fmt.Errorf("start request probes: %w", err)
	}
	return nil
}

// watchSockets arms what tells of system calls and connections.
func (s *Source) watchSockets() error {
	p := s.objects.tracePrograms
	return attachTracing(&s.links, p.InetSockSetState, p.InetSockSetStateAgain, p.SysEnter, p.SysExit)
}

// attachTracing attaches programs to the tracepoints that they are for, and adds to links.
func attachTracing(links *[]link.Link, programs ...*ebpf.Program) error {
	for _, p := range programs {
		l, err := link.AttachTracing(link.TracingOptions{Program: p})
		if err != nil {
			return fmt.Errorf("attach %s: %w", p, err)
		}
		*links = append(*links, l)
	}
	return nil
}

// singlePrograms are those of which a run that the kernel left out is a loss.
func (s *Source) singlePrograms() []*ebpf.Program {
	p := s.objects.tracePrograms
	return []*ebpf.Program{p.SchedProcessFork, p.SchedProcessExit, p.SysEnter, p.SysExit, p.TickEnds, p.TickBegins}
}

// The functions of nginx at which the request object is read.
const (
	endOfRequest   = "ngx_http_free_request"
	beginOfAttempt = "ngx_event_connect_peer"
)

// attachRequests arms the uprobes where the layout is known, and else says why not.
func (s *Source) attachRequests() error {
	if !s.options.Probes {
		return nil
	}
	t := s.options.Target
	if !t.LayoutSource.Known() {
		s.note(fmt.Sprintf("the request object of %s is not known (%s): sockets alone are traced, edges are inferred",
			t.Version, t.LayoutSource))
		return nil
	}
	if s.options.Phases {
		if err := s.watchPhases(); err != nil {
			return err
		}
	}
	if ok, err := s.uprobe(t.Binary, endOfRequest, s.objects.FreeRequest); !ok || err != nil {
		return errors.Join(err, s.closeRequests())
	}
	if !s.lua { // nothing else ties an attempt to its request
		return s.watchAttempts()
	}
	return nil
}

// watchAttempts arms the uprobe that names an attempt's request. It costs as much as all
// system calls of a request together, so it is left out while Lua names it as well.
func (s *Source) watchAttempts() error {
	s.attempts = true
	_, err := s.uprobe(s.options.Target.Binary, beginOfAttempt, s.objects.ConnectPeer)
	return err
}

// watchPhases arms the uprobes that tell how far nginx has come with a request.
func (s *Source) watchPhases() error {
	t, p := s.options.Target, s.objects.tracePrograms
	for _, at := range []struct {
		symbol  string
		program *ebpf.Program
	}{
		{"ngx_http_process_request", p.ProcessRequest},
		{"ngx_http_upstream_init", p.UpstreamInit},
		{"ngx_http_send_header", p.SendHeader},
	} {
		if _, err := s.uprobe(t.Binary, at.symbol, at.program); err != nil {
			return err
		}
	}
	if t.Lua == nil {
		s.note("phases of Lua are not told: the gateway has no Lua module")
		return nil
	}
	if _, err := s.uprobe(t.Lua, "ngx_http_lua_access_handler", p.AccessHandler); err != nil {
		return err
	}
	if ok, err := s.uprobe(t.Lua, runOfLua, p.RunThread); !ok || err != nil {
		return err
	}
	return s.attachUprobe(t.Lua, runOfLua, func(exe *link.Executable, at *link.UprobeOptions) (link.Link, error) {
		return exe.Uretprobe(runOfLua, p.RunThreadReturns, at)
	})
}

const runOfLua = "ngx_http_lua_run_thread"

// uprobe attaches a program to the entry of a function of the gateway. It is false where
// there is no such function, which it notes.
func (s *Source) uprobe(o *gateway.Object, symbol string, program *ebpf.Program) (bool, error) {
	if _, ok := o.Symbol(symbol); !ok {
		s.note(fmt.Sprintf("%s does not export %s: what it would tell is missing, or inferred", o.Name, symbol))
		return false, nil
	}
	return true, s.attachUprobe(o, symbol, func(exe *link.Executable, at *link.UprobeOptions) (link.Link, error) {
		return exe.Uprobe(symbol, program, at)
	})
}

func (s *Source) attachUprobe(o *gateway.Object, symbol string, attach func(*link.Executable, *link.UprobeOptions) (link.Link, error)) error {
	exe, err := link.OpenExecutable(o.Path)
	if err != nil {
		return fmt.Errorf("open %s: %w", o.Path, err)
	}
	offset, _ := o.Symbol(symbol)
	l, err := attach(exe, &link.UprobeOptions{Address: offset})
	if err != nil {
		return fmt.Errorf("attach uprobe to %s in %s: %w", symbol, o.Name, err)
	}
	s.uprobes = append(s.uprobes, l)
	return nil
}

// closeRequests takes the uprobes off and lets the clients' sockets speak.
func (s *Source) closeRequests() error {
	err := s.objects.RequestProbes.Set(traceRequestsREQUESTS_UNREAD)
	err = errors.Join(err, closeLinks(s.uprobes))
	s.uprobes = nil
	return err
}

// closeLinks detaches in parallel: each detaching waits for a grace period of the kernel.
func closeLinks(links []link.Link) error {
	errs := make([]error, len(links))
	var wg sync.WaitGroup
	for i, l := range links {
		wg.Go(func() { errs[i] = l.Close() })
	}
	wg.Wait()
	return errors.Join(errs...)
}
