package bpf_test

import (
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/testrig"
)

// TestGatewayStacks: what TestGatewaySampleTruth proves of this gateway is foretold.
func TestGatewayStacks(t *testing.T) {
	testrig.NeedBPF(t)
	rig := testrig.StartProfileT(t, testrig.Options{})
	found := map[string]bpf.Finding{}
	for _, f := range bpf.Stacks(findProfiled(t, rig)) {
		found[f.Name] = f
	}
	if f := found[bpf.LuaJIT]; f.Level != bpf.OK || !strings.HasPrefix(f.Value, "LuaJIT 2.1.") || !strings.HasSuffix(f.Value, ", VM of http found by symbols") {
		t.Errorf("%+v", f)
	}
	if f := found["unwind tables"]; f.Level != bpf.OK || !strings.HasPrefix(f.Value, "in all ") || f.Value == "in all 0 objects" {
		t.Errorf("%+v", f)
	}
	if len(found) != 2 {
		t.Errorf("%v", found)
	}
}

// TestStacksOfNothing: a gateway whose workers have exited is told as such.
func TestStacksOfNothing(t *testing.T) {
	gone := &gateway.Target{Children: []gateway.Process{{PID: 1 << 22, Role: gateway.RoleWorker}}}
	if all := bpf.Stacks(gone); len(all) != 1 || all[0].Name != bpf.Worker || all[0].Level != bpf.Fail {
		t.Errorf("%+v", all)
	}
}
