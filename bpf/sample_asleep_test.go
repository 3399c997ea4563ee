package bpf

import "testing"

func TestStateOf(t *testing.T) {
	for stat, want := range map[string]byte{
		"4132 (nginx) S 4131 4131": 'S', "4132 (a) R) D 1": 'D', "4132 (nginx) Z": 'Z', "4132 (nginx) ": 0, "": 0,
	} {
		if got := stateOf([]byte(stat)); got != want {
			t.Errorf("%q: %q, want %q", stat, got, want)
		}
	}
	if !sleeps(1 << 22) {
		t.Error("who has ended is in no request's code")
	}
}
