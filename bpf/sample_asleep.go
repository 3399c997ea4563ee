package bpf

import (
	"bytes"
	"fmt"
	"os"
)

// asleep returns which of the gateway's workers wait for something, or have ended: their event
// loops are in no request's code. One that waits for a disk may be.
func (s *Sampler) asleep() []int {
	var pids []int
	for pid, p := range s.processes {
		if !p.master && (!p.gone.IsZero() || sleeps(pid)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func sleeps(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil && gone(err) || err == nil && stateOf(stat) == 'S'
}

// stateOf returns the third field of proc(5)'s stat, of the first thread; 0 if there is none.
// The name before it is in parentheses, and may hold any.
func stateOf(stat []byte) byte {
	i := bytes.LastIndex(stat, []byte(") "))
	if i < 0 || i+2 >= len(stat) {
		return 0
	}
	return stat[i+2]
}
