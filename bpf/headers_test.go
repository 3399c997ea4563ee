package bpf_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// headBytes is what is kept of a head; with what stands around each field.
const headBytes = 8 << 10

// TestGatewayAllHeaders sends 1,000 requests with random headers, and has the upstream answer
// with others: each of the four heads has what was on the wire.
func TestGatewayAllHeaders(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{})
	w := open(t, bpf.Options{
		Target: find(t, rig), Probes: true, AllHeaders: true, NoSockets: true,
		RingBytes: 32 << 20, Headers: []string{"X-Rig-Id"},
	})
	random := rand.New(rand.NewPCG(5, 6))
	sent := map[string]headersSent{}
	for _, over := range []testrig.Transport{testrig.OverHTTP, testrig.OverHTTPS, testrig.OverH2, testrig.OverH2C} {
		for i := range 250 {
			// Most heads have room; of the others it is said how many fields had none.
			most := headBytes * 3 / 4
			if i%10 == 9 {
				most = testrig.MaxRequestFields
			}
			id := fmt.Sprintf("%s-%d", over, i)
			s := headersSent{over, testrig.RandomFields(random, most), testrig.RandomFields(random, most)}
			s.send(t, rig, id)
			sent[id] = s
		}
	}
	w.wait(len(sent))
	var fields, cut int
	for _, x := range w.end() {
		s, ok := sent[x.HeaderValues[0]]
		if !ok || x.Headers == nil {
			t.Fatalf("%q: headers %v", x.HeaderValues, x.Headers)
		}
		delete(sent, x.HeaderValues[0])
		h := x.Headers
		for what, pair := range map[string]struct {
			head trace.Head
			want []testrig.HeaderField
		}{
			"request": {h.Request, s.request}, "upstream's request": {h.UpstreamRequest, s.request},
			"upstream's response": {h.UpstreamResponse, s.response}, "response": {h.Response, s.response},
		} {
			// Of bytes that were cut nobody knows how many fields they are.
			if what != "upstream's request" && len(pair.head.Fields)+pair.head.Cut < len(pair.want) {
				t.Errorf("%s: %s: %d fields and %d cut of %d", x.HeaderValues[0], what, len(pair.head.Fields), pair.head.Cut, len(pair.want))
			}
			n, err := sameFields(s.lower(), pair.want, pair.head)
			if err != nil {
				t.Errorf("%s: %s: %v", x.HeaderValues[0], what, err)
			}
			fields, cut = fields+n, cut+pair.head.Cut
		}
	}
	t.Logf("%d fields are as they were sent, %d are told to have had no room", fields, cut)
	if len(sent) > 0 || fields < 50_000 || cut == 0 {
		t.Errorf("%d requests were not seen", len(sent))
	}
}

// headersSent is what client and upstream sent for one request.
type headersSent struct {
	over              testrig.Transport
	request, response []testrig.HeaderField
}

func (s headersSent) lower() bool { return s.over == testrig.OverH2 || s.over == testrig.OverH2C }

func (s headersSent) send(t *testing.T, rig *testrig.Rig, id string) {
	t.Helper()
	route, err := testrig.RouteOf(testrig.Headers)
	if err != nil {
		t.Fatal(err)
	}
	if err := rig.Answer(t.Context(), id, s.response); err != nil {
		t.Fatal(err)
	}
	got, err := rig.Target().SendRaw(t.Context(), s.over, testrig.RawRequest{Route: route, ID: id, Header: s.request})
	if err != nil || got.Status != 200 {
		t.Fatalf("%s: %d, %v", id, got.Status, err)
	}
}

// sameFields compares the random fields of a head, in order, and counts those that are there.
func sameFields(lower bool, want []testrig.HeaderField, got trace.Head) (int, error) {
	var mine []testrig.HeaderField
	for _, f := range got.Fields {
		if strings.HasPrefix(strings.ToLower(f.Name), "t-") {
			if f.Set {
				return 0, fmt.Errorf("%q is said to be the gateway's own", f.Name)
			}
			mine = append(mine, testrig.HeaderField{Name: f.Name, Value: f.Value})
		}
	}
	if !got.Seen || got.Cut == 0 && len(mine) != len(want) {
		return 0, fmt.Errorf("%d of %d fields, %d cut, seen %t", len(mine), len(want), got.Cut, got.Seen)
	}
	for i, f := range mine {
		same := func(w testrig.HeaderField) bool {
			return w.Value == f.Value && (w.Name == f.Name || lower && strings.EqualFold(w.Name, f.Name))
		}
		at := slices.IndexFunc(want, same)
		if at < 0 || at > 0 && got.Cut == 0 {
			return 0, fmt.Errorf("field %d is %q", i, f)
		}
		want = want[at+1:]
	}
	return len(mine), nil
}

// TestGatewayHeadersOfGRPC: nginx does not keep what it sent to a gRPC node, and this is said.
func TestGatewayHeadersOfGRPC(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{Workers: 1})
	w := open(t, bpf.Options{Target: find(t, rig), Probes: true, AllHeaders: true, NoSockets: true})
	route, err := testrig.RouteOf(testrig.GRPC)
	if err != nil {
		t.Fatal(err)
	}
	want := []testrig.HeaderField{{Name: "t-one", Value: "1"}, {Name: "t-two", Value: "zwei €"}}
	got, err := rig.Target().SendRaw(t.Context(), route.Transport, testrig.RawRequest{
		Route: route, ID: "1", Header: want, Body: []byte{0, 0, 0, 0, 0},
	})
	if err != nil || got.Status != 200 {
		t.Fatalf("%d, %v", got.Status, err)
	}
	h := w.only().Headers
	if n, err := sameFields(true, want, h.Request); n != len(want) || err != nil {
		t.Errorf("%d fields of %v: %v", n, h.Request, err)
	}
	if h.UpstreamRequest.Seen || h.UpstreamRequest.Note == "" {
		t.Errorf("to the node: %+v", h.UpstreamRequest)
	}
}
