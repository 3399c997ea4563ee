package cmd

import (
	"strings"
	"testing"
)

// TestOutputNamesTheDevice that could not be written, as it does a file.
func TestOutputNamesTheDevice(t *testing.T) {
	out, err := createOutput("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	if err := out.file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := out.commit(); err == nil || !strings.HasPrefix(err.Error(), "write /dev/null: ") {
		t.Errorf("got %v", err)
	}
}
