package testrig

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// apisixLine is APISIX 3.16's default format. A quote or a backslash within a variable is
// written \x22 or \x5C.
var apisixLine = regexp.MustCompile(`^(\S+) - (\S+) \[[^]]+\] (\S+) "([^"]*)" (\d{3}) (\d+) (\d+\.\d{3}) "([^"]*)" "([^"]*)" ` +
	`(-|\S+(?:(?:, | : )\S+)*?) (-|\S+(?:(?:, | : )\S+)*?) (-|\S+(?:(?:, | : )\S+)*?) "(\w+)://([^"]*)" "([^"]*)"$`)

func TestGatewayAPISIXLog(t *testing.T) {
	rig := StartT(t, Options{APISIXLog: true, Workers: 1})
	nodes := rig.Nodes()
	for i, tt := range []struct {
		kind             Kind
		addrs, statuses  string
		schemeHostAndURI string
	}{
		{Keepalive, "", "200", "http://" + MainHost},
		{Lua401, "-", "-", "http://auth.deepflow.demo"},
		{Lua404, "-", "-", "http://" + MainHost},
		{RetryRefused, nodes["refused"] + ", " + nodes["orders-1"], "502, 200", "http://retry.deepflow.demo"},
		{HTTPSUpstream, nodes["https"], "200", "https://https"},
		{RewrittenPath, "", "200", "http://names.deepflow.demo/v2/orders"},
		{FaultAbort, "-", "-", "http://faults.deepflow.demo"},
		{GRPC, nodes[grpcNode], "200", "grpc://" + grpcHost},
	} {
		s := send(t, Load{Target: rig.Target(), Kinds: []Kind{tt.kind}, Requests: 1}).Sent[0]
		log, err := rig.WaitAPISIXLog(t.Context(), i+1)
		if err != nil {
			t.Fatal(err)
		}
		f := apisixLine.FindStringSubmatch(log[i])
		if f == nil {
			t.Fatalf("%s: not in APISIX's format: %s", tt.kind, log[i])
		}
		route, _ := RouteOf(tt.kind)
		version := "1.1"
		if route.Transport == OverH2C {
			version = "2.0"
		}
		if f[3] != route.Host || f[4] != fmt.Sprintf("%s %s HTTP/%s", route.Method, route.Paths[0], version) || f[5] != fmt.Sprint(s.Status) ||
			tt.addrs != "" && f[10] != tt.addrs || f[11] != tt.statuses || f[13]+"://"+f[14] != tt.schemeHostAndURI {
			t.Errorf("%s: %s", tt.kind, log[i])
		}
		uuid := strings.Count(f[15], "-") == 4
		if hex := len(f[15]) == 32; uuid == hex || uuid != slices.Contains([]Kind{Keepalive, RetryRefused, HTTPSUpstream, RewrittenPath, FaultAbort, GRPC}, tt.kind) {
			t.Errorf("%s: request id %q", tt.kind, f[15])
		}
	}
}
