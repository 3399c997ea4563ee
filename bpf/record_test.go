package bpf

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
	"unsafe"

	"github.com/cilium/ebpf/btf"

	"github.com/apisixscope/apisixscope/trace"
)

// kinds are the records that cross the ring buffer.
var kinds = map[string]struct {
	kind traceEventKind
	size uintptr // in Go
}{
	"request_event": {traceEventKindEVENT_REQUEST, unsafe.Sizeof(traceRequestEvent{})},
	"message_event": {traceEventKindEVENT_MESSAGE, unsafe.Sizeof(traceMessageEvent{})},
	"close_event":   {traceEventKindEVENT_CLOSE, unsafe.Sizeof(traceCloseEvent{})},
	"process_event": {traceEventKindEVENT_PROCESS, unsafe.Sizeof(traceProcessEvent{})},
	"headers_event": {traceEventKindEVENT_HEADERS, unsafe.Sizeof(traceHeadersEvent{})},
}

// TestRecordSizes compares the structs that Go reads with those of the checked-in object.
func TestRecordSizes(t *testing.T) {
	spec, err := loadTrace()
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range kinds {
		var s *btf.Struct
		if err := spec.Types.TypeByName(name, &s); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if uintptr(s.Size) != k.size {
			t.Errorf("%s has %d bytes in C and %d in Go", name, s.Size, k.size)
		}
	}
}

// aligned returns n bytes as the ring buffer hands them out.
func aligned(n int) []byte {
	words := make([]uint64, (n+7)/8+1)
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), n)
}

func testSource(o Options) *Source {
	return &Source{options: o, clock: newClock(), headers: map[int]headersOf{}, upstreams: &upstreams{
		known: map[netip.AddrPort]bool{}, ask: make(chan netip.AddrPort, 1),
	}}
}

// TestDecodeShort cuts records off everywhere, and leaves them whole.
func TestDecodeShort(t *testing.T) {
	s := testSource(Options{})
	for name, k := range kinds {
		whole := aligned(int(k.size))
		binary.NativeEndian.PutUint32(whole, uint32(k.kind))
		// Headers are no event, but kept for the request's.
		if _, _, ok := s.decode(whole); ok == (name == "headers_event") || (len(s.headers) == 1) != (name == "headers_event") {
			t.Errorf("%s: a whole record is refused", name)
		}
		clear(s.headers)
		last := 0
		for n := range whole {
			if _, _, ok := s.decode(whole[:n]); ok {
				last = n
				break
			}
		}
		// Of those with a tail, the tail may be missing.
		if last != 0 && (name == "close_event" || name == "process_event" || last < 32) {
			t.Errorf("%s: %d of %d bytes are taken for a record", name, last, len(whole))
		}
	}
	for _, kind := range []uint32{0, 5, 1 << 31} {
		raw := aligned(4096)
		binary.NativeEndian.PutUint32(raw, kind)
		if _, _, ok := s.decode(raw); ok {
			t.Errorf("a record of kind %d is taken", kind)
		}
	}
	if _, _, ok := s.decode(nil); ok {
		t.Error("no record is taken for one")
	}
}

// TestDecodeNonsense feeds records whose lengths and counts are anything.
func TestDecodeNonsense(t *testing.T) {
	s := testSource(Options{Headers: []string{"a", "b", "c", "d"}, Logged: true})
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		for name, k := range kinds {
			raw := aligned(random.IntN(min(int(k.size), 8192)) + 1)
			for i := range raw {
				raw[i] = byte(random.Uint32() >> random.IntN(32)) // small numbers, too
			}
			if len(raw) >= 4 {
				binary.NativeEndian.PutUint32(raw, uint32(k.kind))
			}
			e, _, ok := s.decode(raw)
			if !ok {
				continue
			}
			if m := e.Message; m != nil && len(m.Head) > headMax*2 || e.Request != nil && len(e.Request.Line) > len(raw) {
				t.Fatalf("%s of %d bytes: %+v", name, len(raw), e)
			}
		}
	}
}

// TestDecodeMessage reads every kind of field once.
func TestDecodeMessage(t *testing.T) {
	s := testSource(Options{})
	raw := aligned(int(unsafe.Sizeof(traceMessageEvent{})))
	m := (*traceMessageEvent)(unsafe.Pointer(&raw[0]))
	now := kernelNow()
	*m = traceMessageEvent{
		Kind: uint32(traceEventKindEVENT_MESSAGE), Exchange: 3, Direction: uint8(trace.Out), Starts: 1, HeadLen: 4,
		Conn: traceConn{
			Socket: 1 << 40, Pid: 7, Fd: 9, Side: uint8(trace.SideConnected), Worker: 1,
			Local:  traceAddress{Ip: netip.MustParseAddr("::ffff:10.0.0.9").As16(), Port: 5000},
			Remote: traceAddress{Ip: netip.MustParseAddr("fd00::1").As16(), Port: 80},
		},
		Owner: traceOwner{Socket: 5, Exchange: 2, Request: 0xbeef, How: uint32(trace.OwnerLua)},
		Flow:  traceFlow{Began: now, Ended: now + 5, Bytes: 11, Calls: 2, Seq: 77},
	}
	copy(m.Head[:], "GET /")
	e, at, ok := s.decode(raw[:unsafe.Offsetof(m.Head)+4])
	if !ok || at != now || e.Kind != trace.KindMessage {
		t.Fatalf("got %+v, %d, %t", e, at, ok)
	}
	got := e.Message
	if got.PID != 7 || got.FD != 9 || got.Socket != 1<<40 || got.Exchange != 3 || !got.Starts || !got.Gateway || got.Direction != trace.Out {
		t.Errorf("got %+v", got)
	}
	if got.Owner != (trace.Owner{How: trace.OwnerLua, Socket: 5, Exchange: 2, Request: 0xbeef}) {
		t.Errorf("owner %+v", got.Owner)
	}
	if got.Local.String() != "10.0.0.9:5000" || got.Remote.String() != "[fd00::1]:80" || string(got.Head) != "GET " {
		t.Errorf("%s to %s, %q", got.Local, got.Remote, got.Head)
	}
	f := got.Flow
	if f.Bytes != 11 || f.Calls != 2 || f.Seq != 77 || f.Ended.Sub(f.Began) != 5 || !f.Turned.IsZero() || time.Since(f.Began) > time.Minute {
		t.Errorf("flow %+v", f)
	}
	if got.Opened != (time.Time{}) || e.Time != f.Began {
		t.Errorf("opened %s, event %s", got.Opened, e.Time)
	}
}
