package cmd

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// programTime is for how long this process's programs have run in the kernel: in the time of
// those that they watch. It is 0 where the kernel does not count that: it does while
// kernel.bpf_stats_enabled is set, and says so of each program to whoever holds it.
func programTime() time.Duration {
	files, err := filepath.Glob("/proc/self/fdinfo/*")
	if err != nil {
		return 0
	}
	seen := map[string]bool{} // several descriptors may be of one program
	var sum time.Duration
	for _, file := range files {
		info, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(info, []byte("run_time_ns:")) {
			continue
		}
		id, ran := programInfo(info)
		if !seen[id] {
			seen[id] = true
			sum += ran
		}
	}
	return sum
}

// programInfo reads what fdinfo says of a program: __bpf_prog_show_fdinfo in the kernel.
func programInfo(info []byte) (id string, ran time.Duration) {
	for lines := bufio.NewScanner(bytes.NewReader(info)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		switch value = strings.TrimSpace(value); name {
		case "prog_id":
			id = value
		case "run_time_ns":
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				ran = time.Duration(n)
			}
		}
	}
	return id, ran
}
