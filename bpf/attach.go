package bpf

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// attach arms everything, the request object's probes last: a request that they report
// then had its sockets watched.
func (s *Source) attach() error {
	for _, p := range s.tracingPrograms() {
		l, err := link.AttachTracing(link.TracingOptions{Program: p})
		if err != nil {
			return fmt.Errorf("attach %s: %w", p, err)
		}
		s.links = append(s.links, l)
	}
	return s.attachRequests()
}

func (s *Source) tracingPrograms() []*ebpf.Program {
	p := s.objects.tracePrograms
	return append([]*ebpf.Program{p.InetSockSetState, p.InetSockSetStateAgain}, s.singlePrograms()...)
}

// singlePrograms are those of which a run that the kernel left out is a loss.
func (s *Source) singlePrograms() []*ebpf.Program {
	p := s.objects.tracePrograms
	return []*ebpf.Program{p.SchedProcessFork, p.SchedProcessExit, p.SysEnter, p.SysExit}
}

// requestProbes are the functions of nginx at which the request object is read.
func (s *Source) requestProbes() map[string]*ebpf.Program {
	return map[string]*ebpf.Program{
		"ngx_event_connect_peer": s.objects.ConnectPeer,
		"ngx_http_free_request":  s.objects.FreeRequest,
	}
}

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
	exe, err := link.OpenExecutable(t.Exe)
	if err != nil {
		return fmt.Errorf("open %s: %w", t.Exe, err)
	}
	for symbol, program := range s.requestProbes() {
		offset, ok := t.Binary.Symbol(symbol)
		if !ok {
			s.note(fmt.Sprintf("%s does not export %s: sockets alone are traced, edges are inferred", t.Path, symbol))
			return s.closeRequests()
		}
		l, err := exe.Uprobe(symbol, program, &link.UprobeOptions{Address: offset})
		if err != nil {
			return fmt.Errorf("attach uprobe to %s in %s: %w", symbol, t.Path, err)
		}
		s.uprobes = append(s.uprobes, l)
	}
	if err := s.objects.RequestProbes.Set(uint32(1)); err != nil {
		return fmt.Errorf("start request probes: %w", err)
	}
	return nil
}

// closeRequests takes the uprobes off and lets the clients' sockets speak.
func (s *Source) closeRequests() error {
	err := s.objects.RequestProbes.Set(uint32(0))
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
