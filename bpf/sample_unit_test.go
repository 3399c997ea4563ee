package bpf

import (
	"slices"
	"testing"

	"github.com/apisixscope/apisixscope/internal/unwind"
)

// TestRowRules compares the numbers that walk.h has with those of internal/unwind: the
// programs read its rows as they are.
func TestRowRules(t *testing.T) {
	for name, pair := range map[string][2]int{
		"CFA_NONE":       {int(sampleCfaRuleCFA_NONE), int(unwind.CFANone)},
		"CFA_SP":         {int(sampleCfaRuleCFA_SP), int(unwind.CFASP)},
		"CFA_FP":         {int(sampleCfaRuleCFA_FP), int(unwind.CFAFP)},
		"CFA_PLT":        {int(sampleCfaRuleCFA_PLT), int(unwind.CFAPLT)},
		"CFA_FP_DEREF":   {int(sampleCfaRuleCFA_FP_DEREF), int(unwind.CFAFPDeref)},
		"CFA_SP_DEREF":   {int(sampleCfaRuleCFA_SP_DEREF), int(unwind.CFASPDeref)},
		"CFA_REGISTER":   {int(sampleCfaRuleCFA_REGISTER), int(unwind.CFARegister)},
		"CFA_SIGNAL":     {int(sampleCfaRuleCFA_SIGNAL), int(unwind.CFASignal)},
		"CFA_END":        {int(sampleCfaRuleCFA_END), int(unwind.CFAEnd)},
		"CFA_SP_INDEXED": {int(sampleCfaRuleCFA_SP_INDEXED), int(unwind.CFASPIndexed)},
		"FP_SAME":        {int(sampleFpRuleFP_SAME), int(unwind.FPSame)},
		"FP_AT_CFA":      {int(sampleFpRuleFP_AT_CFA), int(unwind.FPAtCFA)},
		"FP_UNKNOWN":     {int(sampleFpRuleFP_UNKNOWN), int(unwind.FPUnknown)},
		"FP_AT_FP":       {int(sampleFpRuleFP_AT_FP), int(unwind.FPAtFP)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %d, but %d in internal/unwind", name, pair[0], pair[1])
		}
	}
}

func TestParseCPUs(t *testing.T) {
	for text, want := range map[string][]int{"0": {0}, "0-3": {0, 1, 2, 3}, "0-1,4,6-7": {0, 1, 4, 6, 7}} {
		if got, err := parseCPUs(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "a", "3-1", "0-", "0-99999999"} {
		if got, err := parseCPUs(text); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}

func TestTraceID(t *testing.T) {
	for parent, want := range map[string]string{
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01": "4bf92f3577b34da6a3ce929d0e0e4736",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01": "",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01": "",
		"00-4bf92f3577b34da6": "",
		"nonsense that is long enough to hold the identity of one": "",
		"": "",
	} {
		if got := traceID(parent); got != want {
			t.Errorf("%q: %q, want %q", parent, got, want)
		}
	}
}
