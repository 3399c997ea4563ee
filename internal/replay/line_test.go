package replay_test

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/replay"
	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/trace"
)

// fill sets every exported field below v to something.
func fill(r *rand.Rand, v reflect.Value) {
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		zone := time.FixedZone("", 3600*r.IntN(12))
		v.Set(reflect.ValueOf(time.Unix(r.Int64N(1<<33), r.Int64N(1e9)).In(zone)))
		return
	case reflect.TypeFor[netip.AddrPort]():
		addr := []string{"10.0.0.7", "::ffff:10.0.0.7", "fe80::1%eth0", "2001:db8::5"}[r.IntN(4)]
		v.Set(reflect.ValueOf(netip.AddrPortFrom(netip.MustParseAddr(addr), uint16(r.IntN(1<<16)))))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(r.Int64()>>(64-v.Type().Bits()) - 1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.Uint64()>>(64-v.Type().Bits()) | 1)
	case reflect.Float64:
		v.SetFloat(r.NormFloat64())
	case reflect.String:
		b := make([]byte, 1+r.IntN(12))
		for i := range b {
			b[i] = byte(r.IntN(256)) // no UTF-8 most of the time
		}
		v.SetString([]string{string(b), "grüß <\x1b[31m> \"", "\x00base64:", "plain"}[r.IntN(4)])
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(r, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+r.IntN(3), 4))
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(r, key)
		fill(r, value)
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(r, v.Field(i))
			}
		}
	}
}

// same compares as reflect.DeepEqual does, but times by what they show.
func same(t *testing.T, at string, a, b reflect.Value) {
	if a.Type() == reflect.TypeFor[time.Time]() {
		x, y := a.Interface().(time.Time), b.Interface().(time.Time)
		if !x.Equal(y) || x.Format(time.RFC3339Nano) != y.Format(time.RFC3339Nano) {
			t.Errorf("%s: %v became %v", at, x, y)
		}
		return
	}
	switch a.Kind() {
	case reflect.Struct:
		if a.Type() == reflect.TypeFor[netip.AddrPort]() {
			break
		}
		for i := range a.NumField() {
			if f := a.Type().Field(i); f.IsExported() {
				same(t, at+"."+f.Name, a.Field(i), b.Field(i))
			}
		}
		return
	case reflect.Pointer:
		if a.IsNil() == b.IsNil() && !a.IsNil() {
			same(t, at, a.Elem(), b.Elem())
			return
		}
	case reflect.Slice:
		if a.Len() == b.Len() && a.IsNil() == b.IsNil() {
			for i := range a.Len() {
				same(t, at, a.Index(i), b.Index(i))
			}
			return
		}
	}
	if !reflect.DeepEqual(a.Interface(), b.Interface()) {
		t.Errorf("%s: %#v became %#v", at, a, b)
	}
}

// TestLinesAreLossless fails for a field that is forgotten, now or later.
func TestLinesAreLossless(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var x trace.Exchange
		var w trace.Worker
		fill(r, reflect.ValueOf(&x).Elem())
		fill(r, reflect.ValueOf(&w).Elem())
		for _, e := range []trace.Event{
			{Kind: trace.KindExchange, Exchange: &x}, {Kind: trace.KindWorker, Worker: &w},
			{Kind: trace.KindExchange, Exchange: &trace.Exchange{Attempts: []trace.Attempt{}}},
			{Kind: trace.KindLost, Cause: "requests_ring_full", Count: 7}, {Kind: trace.KindRemoved, Cause: "--route", Count: 1 << 60},
			{Kind: trace.KindNote, Note: "probes are off"},
		} {
			got, err := replay.ParseEvent(replay.AppendEvent(nil, &e))
			if err != nil {
				t.Fatal(err)
			}
			same(t, "event", reflect.ValueOf(e), reflect.ValueOf(got))
		}
		var sum, back profile.Summary
		fill(r, reflect.ValueOf(&sum).Elem())
		if err := replay.Parse(replay.Append(nil, &sum), &back); err != nil {
			t.Fatal(err)
		}
		same(t, "summary", reflect.ValueOf(sum), reflect.ValueOf(back))
	}
}

func TestOtherKindsHaveNoLine(t *testing.T) {
	for _, k := range []trace.Kind{trace.KindRequest, trace.KindMessage, trace.KindTail, trace.KindClose, trace.KindProcess, trace.KindSwept} {
		if b := replay.AppendEvent(nil, &trace.Event{Kind: k}); b != nil {
			t.Errorf("kind %d: %s", k, b)
		}
	}
}

func TestParseEventOfANewerVersion(t *testing.T) {
	e, err := replay.ParseEvent([]byte(`{"exchange":{"path":"/a","colour":{"of":"money"},"status":200}}`))
	if err != nil || e.Exchange.Path != "/a" || e.Exchange.Status != 200 {
		t.Errorf("%+v, %v", e.Exchange, err)
	}
	for _, line := range []string{``, `{}`, `[]`, `7`, `{"weather":"fine"}`, `{"exchange":7}`, `{"exchange":{"attempts":{}}}`, `{"exchange":{"start":"yesterday"}}`, `{"exchange":{"trace_id":"zz"}}`, `{"exchange":{"client":"7"}}`, `{"exchange":{"spans":[{"role":300}]}}`} {
		if e, err := replay.ParseEvent([]byte(line)); err == nil {
			t.Errorf("%s: %+v", line, e)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 6))
	var x trace.Exchange
	fill(r, reflect.ValueOf(&x).Elem())
	f.Add(replay.AppendEvent(nil, &trace.Event{Kind: trace.KindExchange, Exchange: &x}))
	f.Add([]byte(`{"lost":{"cause":"a","count":1}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := replay.ParseEvent(line)
		if err != nil {
			return
		}
		again, err := replay.ParseEvent(replay.AppendEvent(nil, &e))
		if err != nil {
			t.Fatalf("%q became an event that cannot be read: %v", line, err)
		}
		same(t, "event", reflect.ValueOf(e), reflect.ValueOf(again))
	})
}
