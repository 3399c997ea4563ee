package testrig

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestGatewayHeaders: every field arrives at the other end as it was sent, whatever
// the protocol.
func TestGatewayHeaders(t *testing.T) {
	rig := StartT(t, Options{})
	route, err := RouteOf(Headers)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, over := range []Transport{OverHTTP, OverHTTPS, OverH2, OverH2C} {
		c, err := rig.Target().DialRaw(t.Context(), over)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for i := range 100 {
			id := fmt.Sprintf("%s-%d", over, i)
			sent, answer := RandomFields(random, MaxRequestFields), RandomFields(random, MaxResponseFields)
			if err := rig.Answer(t.Context(), id, answer); err != nil {
				t.Fatal(err)
			}
			resp, err := c.Send(t.Context(), RawRequest{Route: route, ID: id, Header: sent})
			if err != nil || resp.Status != 200 || string(resp.Body) != "{}\n" {
				t.Fatalf("%s: %d, %q, %v", id, resp.Status, resp.Body, err)
			}
			got, err := rig.Received(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			http2 := over == OverH2 || over == OverH2C
			sameFields(t, id+", request", http2, sent, got.Header)
			sameFields(t, id+", response", http2, answer, resp.Header)
		}
	}
}

// sameFields compares the fields that RandomFields made, which are among others.
func sameFields(t *testing.T, what string, lower bool, want, got []HeaderField) {
	t.Helper()
	mine := slices.DeleteFunc(slices.Clone(got), func(f HeaderField) bool { return !strings.HasPrefix(strings.ToLower(f.Name), "t-") })
	if len(mine) != len(want) {
		t.Fatalf("%s: want %d fields, got %d", what, len(want), len(mine))
	}
	for i, f := range want {
		if lower {
			f.Name, mine[i].Name = strings.ToLower(f.Name), strings.ToLower(mine[i].Name)
		}
		if f != mine[i] {
			t.Fatalf("%s: field %d: want %q, got %q", what, i, f, mine[i])
		}
	}
}

func TestRandomFields(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var most, longest, size int
	var empty, twice, control, wide bool
	for range 1000 {
		fields := RandomFields(random, 200<<10)
		most = max(most, len(fields))
		names := map[string]bool{}
		total := 0
		for _, f := range fields {
			longest = max(longest, len(f.Value))
			empty = empty || f.Value == ""
			twice = twice || names[f.Name]
			names[f.Name] = true
			control = control || strings.ContainsFunc(f.Value, func(r rune) bool { return r < ' ' })
			wide = wide || strings.Contains(f.Value, "中")
			total += len(f.Name) + len(f.Value) + 4
		}
		size = max(size, total)
	}
	if most != 60 || longest < 2000 || longest > 2<<10 || !empty || !twice || !control || !wide {
		t.Errorf("at most %d fields, %d bytes in one, empty %t, twice %t, control %t, UTF-8 %t", most, longest, empty, twice, control, wide)
	}
	if fields := RandomFields(random, 100); len(fields) > 10 {
		t.Errorf("%d fields in 100 bytes", len(fields))
	}
	t.Logf("up to %d bytes together", size)
}
