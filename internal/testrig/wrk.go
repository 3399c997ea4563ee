package testrig

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Wrk says how wrk loads the gateway's keepalive route. Its requests carry no
// id.
type Wrk struct {
	Threads  int           // 0 means 1
	Conns    int           // 0 means 64
	Duration time.Duration // whole seconds, at least one
	Path     string        // "" means /checkout
}

// A WrkResult is what wrk printed.
type WrkResult struct {
	Requests     int
	PerSecond    float64
	P50, P99     time.Duration
	Non2xx       int
	SocketErrors int
}

// Wrk runs wrk against the rig's gateway.
func (r *Rig) Wrk(ctx context.Context, w Wrk) (WrkResult, error) {
	if w.Duration < time.Second {
		return WrkResult{}, fmt.Errorf("run wrk: the duration must be a second or more: got %s", w.Duration)
	}
	if w.Path == "" {
		w.Path = "/checkout"
	}
	if w.Conns == 0 {
		w.Conns = 64
	}
	cmd := exec.CommandContext(ctx, "wrk", "--latency",
		"-t", strconv.Itoa(max(w.Threads, 1)), "-c", strconv.Itoa(w.Conns),
		"-d", fmt.Sprintf("%ds", int(w.Duration.Seconds())),
		"-H", "Host: "+MainHost, "http://"+r.Addr()+w.Path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return WrkResult{}, fmt.Errorf("run wrk: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return parseWrk(string(out))
}

func parseWrk(out string) (WrkResult, error) {
	field := func(pattern string) []string { return regexp.MustCompile(pattern).FindStringSubmatch(out) }
	var res WrkResult
	var errs []error

	total, rate := field(`(\d+) requests in `), field(`Requests/sec:\s+([\d.]+)`)
	if total == nil || rate == nil {
		return res, fmt.Errorf("read wrk's output: no totals in %q", out)
	}
	var err error
	res.Requests, err = strconv.Atoi(total[1])
	errs = append(errs, err)
	res.PerSecond, err = strconv.ParseFloat(rate[1], 64)
	errs = append(errs, err)

	for pattern, into := range map[string]*time.Duration{`(?m)^\s+50%\s+(\S+)`: &res.P50, `(?m)^\s+99%\s+(\S+)`: &res.P99} {
		if m := field(pattern); m != nil {
			*into, err = time.ParseDuration(m[1])
			errs = append(errs, err)
		}
	}
	if m := field(`Non-2xx or 3xx responses: (\d+)`); m != nil {
		res.Non2xx, err = strconv.Atoi(m[1])
		errs = append(errs, err)
	}
	if m := field(`Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)`); m != nil {
		for _, n := range m[1:] {
			count, err := strconv.Atoi(n)
			errs = append(errs, err)
			res.SocketErrors += count
		}
	}
	if err := errors.Join(errs...); err != nil {
		return res, fmt.Errorf("read wrk's output: %w", err)
	}
	return res, nil
}
