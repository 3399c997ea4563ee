package testrig_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// TestGatewayProfileRig does all kinds of work for a second, and finds each in the truth.
func TestGatewayProfileRig(t *testing.T) {
	rig := testrig.StartProfileT(t, testrig.Options{Workers: 1})
	if err := rig.ResetTruth(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	n, err := rig.Load(ctx, 2, "/all", "/routed?route=1", "/routed?route=4")
	if err != nil || n == 0 {
		log, _ := os.ReadFile(rig.Dir() + "/error.log")
		t.Fatalf("%d requests: %v\n%s", n, err, log)
	}
	truth, err := rig.Truth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(testrig.ProfileKinds(), "plugin burn-a", "route 4", "phase access") {
		if truth[name] == 0 {
			t.Errorf("no CPU time for %s", name)
		}
	}
	t.Logf("%d requests: %v", n, truth)
}
