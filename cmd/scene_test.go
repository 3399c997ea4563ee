package cmd_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/trace"
)

// A scene is a world without a kernel side: a gateway whose requests are known.
type scene string

// The scenes; any other is a gateway with a few requests, and then a quiet one.
const (
	sceneBusy       scene = "busy"    // a request each millisecond
	sceneQuiet      scene = "quiet"   // no request at all
	sceneLossy      scene = "lossy"   // events are lost, and the source has something to say
	sceneLogged     scene = "logged"  // the request object is read, headers and all
	sceneStuck      scene = "stuck"   // the source does not end when it should
	sceneBroken     scene = "broken"  // the source fails
	scenePanics     scene = "panics"  // the source is not well made
	sceneNone       scene = "none"    // no gateway
	sceneSeveral    scene = "several" // several gateways
	sceneOther      scene = "other"   // --pid is of another program
	sceneDenied     scene = "denied"  // capabilities are missing
	sceneTried      scene = "tried"   // requests with attempts at upstream nodes
	sceneUnknown    scene = "unknown" // the layout of the gateway is not known
	sceneMultiplied scene = "twins"   // two gateways, for doctor
	sceneUnsampled  scene = "blind"   // stacks may not be looked at
)

func (s scene) enter(env *cmd.Env) {
	env.Ready = func() error { return nil }
	env.Host, env.Stacks = s.host, s.stacks
	env.Find = s.find
	env.List = func(context.Context) ([]*gateway.Target, error) {
		switch s {
		case sceneNone, sceneDenied:
			return nil, nil
		case sceneMultiplied:
			return []*gateway.Target{s.target(4131), s.target(5131)}, nil
		}
		return []*gateway.Target{s.target(4131)}, nil
	}
	env.OpenTrace = func(_ context.Context, o bpf.Options) (trace.Source, error) {
		return &source{scene: s, asked: o}, nil
	}
	env.OpenProfile = s.openProfile
	if s == sceneDenied {
		env.Ready = func() error {
			return hint.Wrap(errors.New("load programs: the process lacks CAP_BPF"), "run as root")
		}
	}
}

func (s scene) host() []bpf.Finding {
	all := []bpf.Finding{
		{Name: "kernel", Level: bpf.OK, Value: "6.1.0"},
		{Name: "jit", Level: bpf.Warn, Value: "off", Then: "programs are interpreted, which costs the gateway more: sysctl net.core.bpf_jit_enable=1"},
	}
	if s == sceneDenied {
		all = append(all, bpf.Finding{Name: "capabilities", Level: bpf.Fail, Value: "none of those needed", Then: "CAP_BPF is missing: it is needed to load programs"})
	}
	return all
}

func (s scene) stacks(*gateway.Target) []bpf.Finding {
	switch s {
	case sceneUnsampled:
		return []bpf.Finding{{Name: bpf.Worker, Level: bpf.Fail, Value: "look into worker 4132: open /proc/4132/mem: permission denied", Then: "run as root"}}
	case sceneUnknown:
		return []bpf.Finding{{Name: bpf.LuaJIT, Level: bpf.Warn, Value: "LuaJIT, but LuaJIT was built without GC64", Then: "frames of Lua may not be told"}}
	}
	return []bpf.Finding{
		{Name: bpf.LuaJIT, Level: bpf.OK, Value: "LuaJIT 2.1.0-beta3, VM of http found by symbols"},
		{Name: "unwind tables", Level: bpf.Warn, Value: "in 16 of 17 objects, not in libfoo.so", Then: "stacks through these are followed by frame pointers, and end where there are none"},
	}
}

func (s scene) find(_ context.Context, q gateway.Query) (*gateway.Target, error) {
	switch s {
	case sceneNone, sceneDenied:
		return nil, hint.Wrap(fmt.Errorf("find gateway: %w: none of 99 processes runs nginx", gateway.ErrNotFound), "run this on the gateway's host")
	case sceneSeveral:
		return nil, hint.Wrap(fmt.Errorf("find gateway: %w:\n  pid 4131\n  pid 5131", gateway.ErrSeveral), "choose with --pid")
	case sceneOther:
		return nil, fmt.Errorf("find gateway: process %d (/usr/bin/bash): %w", q.PID, gateway.ErrNotGateway)
	}
	return s.target(4131), nil
}

func (s scene) target(pid int) *gateway.Target {
	t := &gateway.Target{
		Master:   gateway.Process{PID: pid, Role: gateway.RoleMaster},
		Children: []gateway.Process{{PID: pid + 1, Role: gateway.RoleWorker}, {PID: pid + 2, Role: gateway.RoleWorker}},
		Path:     "/usr/local/openresty/nginx/sbin/nginx", Binary: &gateway.Object{Name: "/usr/local/openresty/nginx/sbin/nginx"},
		Lua:          &gateway.Object{Name: "/usr/local/openresty/nginx/sbin/nginx"},
		Version:      gateway.Version{Nginx: "1.27.1", OpenResty: "1.27.1.2"},
		LayoutSource: gateway.LayoutSource{Kind: gateway.LayoutTable, Detail: "nginx 1.27.1"},
	}
	if s == sceneUnknown {
		t.LayoutSource = gateway.LayoutSource{Kind: gateway.LayoutNone, Detail: "no DWARF, and nginx 1.99.0 is in no table"}
	}
	return t
}

// source yields the scene's events, and ends with the context.
type source struct {
	scene scene
	asked bpf.Options
	next  int
}

func (s *source) Next(ctx context.Context) (trace.Event, error) {
	s.next++
	switch s.scene {
	case sceneStuck:
		<-(chan struct{})(nil)
	case sceneBroken:
		return trace.Event{}, errors.New("read ring buffer: file already closed")
	case scenePanics:
		panic("the source panics")
	case sceneQuiet:
	case sceneBusy:
		time.Sleep(time.Millisecond)
		if ctx.Err() == nil {
			return busyEvent(s.next), nil
		}
	case sceneLossy:
		if n := s.next - 1; n < 2 {
			return []trace.Event{
				{Kind: trace.KindLost, Cause: "requests_ring_full", Count: 3},
				{Kind: trace.KindNote, Note: "the request object is not known: \x1b[31msockets alone are traced"},
			}[n], nil
		}
	case sceneTried:
		if n := s.next - 1; n < len(triedEvents()) {
			return triedEvents()[n], nil
		}
	case sceneLogged:
		if n := s.next - 1; n < len(loggedShop(s.asked)) {
			return loggedShop(s.asked)[n], nil
		}
	default:
		if n := s.next - 1; n < len(shop()) {
			return shop()[n], nil
		}
	}
	<-ctx.Done()
	return trace.Event{}, io.EOF
}

func (s *source) Close() error { return nil }

var began = time.Date(2026, 11, 22, 12, 14, 45, 0, time.UTC)

// request is what nginx tells of one.
func request(n int, line, host string, status int, took time.Duration) trace.Event {
	at := began.Add(time.Duration(n) * time.Second)
	client := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}), 50000)
	r := &trace.Request{
		PID: 4132, ID: uint64(n), Started: at, Line: line, LineLen: len(line), Host: host, Version: 1001, Status: status,
		Received: 100, ConnectionRequest: 1,
		Client: trace.Conn{PID: 4132, FD: 7, Socket: trace.SocketID(n), Side: trace.SideAccepted, Gateway: true,
			Local: netip.MustParseAddrPort("10.0.0.2:9080"), Remote: client},
		In:          trace.Flow{Began: at, Ended: at, Bytes: 100, Calls: 1},
		Out:         trace.Flow{Began: at.Add(took), Ended: at.Add(took), Bytes: 200, Calls: 1},
		TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
	return trace.Event{Kind: trace.KindRequest, Time: at.Add(took), Request: r}
}

// shop is what the gateway of a shop does.
func shop() []trace.Event {
	return []trace.Event{
		request(1, "GET /orders/17?page=2 HTTP/1.1", "shop.example", 200, 3*time.Millisecond),
		request(2, "POST /checkout HTTP/1.1", "shop.example", 200, 250*time.Millisecond),
		request(3, "GET /orders/18 HTTP/1.1", "shop.example", 404, time.Millisecond),
		request(4, "GET /balance HTTP/1.1", "bank.example", 502, 2*time.Millisecond),
		request(5, "GET /\x1b[31m HTTP/1.1", "bank.example", 400, time.Millisecond),
		{Kind: trace.KindSwept, Time: began.Add(time.Minute)},
	}
}

// triedEvents are of requests that nginx tried at nodes, as its request object tells.
func triedEvents() []trace.Event {
	state := func(peer string, status int, took time.Duration) trace.UpstreamState {
		return trace.UpstreamState{Peer: peer, Status: status, Connect: -1, Header: took, Response: took}
	}
	var events []trace.Event
	for i, states := range [][]trace.UpstreamState{
		{state("127.0.0.1:18090", 200, 3*time.Millisecond)},
		{state("127.0.0.1:1", 502, -1), state("127.0.0.1:18090", 200, 9*time.Millisecond)},
		{state("127.0.0.1:7", 503, 5*time.Millisecond)},
	} {
		e := request(i+1, "GET /orders/17 HTTP/1.1", "shop.example", states[len(states)-1].Status, 10*time.Millisecond)
		e.Request.Attempts, e.Request.AttemptsLen, e.Request.Upstream = states, len(states), 1
		events = append(events, e)
	}
	return append(events, trace.Event{Kind: trace.KindSwept, Time: began.Add(time.Minute)})
}

func busyEvent(n int) trace.Event {
	if n%20 == 0 {
		return trace.Event{Kind: trace.KindSwept, Time: began.Add(time.Duration(n+1) * time.Second)}
	}
	return request(n, "GET /orders/17 HTTP/1.1", "shop.example", 200, time.Millisecond)
}
