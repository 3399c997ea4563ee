package cmd

import (
	"testing"
	"time"
)

// TestProgramInfo reads what a kernel says with and without statistics.
func TestProgramInfo(t *testing.T) {
	for info, want := range map[string]time.Duration{
		"pos:\t0\nprog_type:\t17\nprog_id:\t81\nrun_time_ns:\t1234567\nrun_cnt:\t89\n": 1234567,
		"prog_type:\t17\nprog_id:\t81\nrun_time_ns:\t0\nrun_cnt:\t0\n":                 0,
		"prog_id:\t81\nrun_time_ns:\tmany\n":                                           0,
	} {
		if id, ran := programInfo([]byte(info)); id != "81" || ran != want {
			t.Errorf("%q is read as program %q, %v", info, id, ran)
		}
	}
}
