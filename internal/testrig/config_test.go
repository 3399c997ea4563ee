package testrig

import (
	"slices"
	"testing"
)

// TestFreeAddrsDiffer: nginx refuses to listen twice at one address.
func TestFreeAddrsDiffer(t *testing.T) {
	const n = 300 // some 14,000 are there to choose from: by chance, two would be the same
	addrs, err := freeAddrs("127.0.0.1", n)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(addrs)
	if got := len(slices.Compact(addrs)); got != n {
		t.Errorf("of %d addresses %d are different", n, got)
	}
}
