package trace_test

import (
	"testing"

	"github.com/apisixscope/apisixscope/trace"
)

func TestFilterNames(t *testing.T) {
	routed := trace.Names{From: trace.NamesExact, RouteID: "17", RouteName: "shop-checkout", ServiceID: "svc", Consumer: "jack"}
	unrouted := trace.Names{From: trace.NamesExact}
	early := trace.Names{From: trace.NamesNone}
	computed := trace.Names{From: trace.NamesComputed, RouteID: "17"}
	unread := trace.Names{}
	for _, tt := range []struct {
		flag, words string
		of          trace.Names
		keeps       bool
	}{
		{"--route", "17", routed, true},
		{"--route", "shop-checkout", routed, true},
		{"--route", "shop-*", routed, true},
		{"--route", "1?", routed, true},
		{"--route", "none,17", routed, true},
		{"--route", "shop", routed, false},
		{"--route", "Shop-*", routed, false},
		{"--route", "none", routed, false},
		{"--route", "none", unrouted, true},
		{"--route", "none", early, true},
		{"--route", "*", unrouted, false},
		{"--route", "none", unread, false},
		{"--route", "17", unread, false},
		{"--route", "17", computed, true},
		{"--service", "svc", routed, true},
		{"--service", "s*", routed, true},
		{"--service", "none", routed, false},
		{"--service", "none", computed, true},
		{"--consumer", "jack,jill", routed, true},
		{"--consumer", "jill", routed, false},
		{"--consumer", "none", unrouted, true},
		{"--consumer", "none", computed, false},
	} {
		var f trace.Filter
		if err := (condition{tt.flag, tt.words}).addTo(&f); err != nil {
			t.Errorf("%s %s: %v", tt.flag, tt.words, err)
			continue
		}
		want := tt.flag
		if tt.keeps {
			want = ""
		}
		if got := f.Keep(&trace.Exchange{Names: tt.of}); got != want {
			t.Errorf("%s %s of %+v: Keep = %q, want %q", tt.flag, tt.words, tt.of, got, want)
		}
	}
}
