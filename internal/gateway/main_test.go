package gateway

import (
	"os"
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// TestMain lets the test binary be a part of a rig, too.
func TestMain(m *testing.M) {
	testrig.Main()
	os.Exit(m.Run())
}
