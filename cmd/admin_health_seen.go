package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/text"
)

// seenNodes is what the last window saw of upstream nodes. nil is no window.
type seenNodes struct {
	*metrics.Window
	at    map[netip.AddrPort]*metrics.NodeSeen
	shown map[netip.AddrPort]bool // beside what a health check thinks
}

// lastWindow reads what the last window of the gateway on this host left behind; nil where there
// is nothing, or where --control means another one.
func (o *adminHealthOptions) lastWindow(ctx context.Context, env Env) (*seenNodes, error) {
	if o.control != "" {
		return nil, nil
	}
	path, err := o.windowFile(ctx, env)
	if err != nil {
		env.Log.Info("no window is known", "error", err)
		return nil, nil
	}
	w, err := metrics.LoadWindow(path)
	if err != nil || w == nil {
		return nil, hint.Wrap(err, "--forget removes it")
	}
	s := &seenNodes{w, map[netip.AddrPort]*metrics.NodeSeen{}, map[netip.AddrPort]bool{}}
	for i := range w.Nodes {
		s.at[w.Nodes[i].Address] = &w.Nodes[i]
	}
	return s, nil
}

func (o *adminHealthOptions) windowFile(ctx context.Context, env Env) (string, error) {
	t, err := env.find(ctx, o.access.query)
	if err != nil {
		return "", err
	}
	return windowFile(env, t)
}

func (o *adminHealthOptions) forgetWindow(ctx context.Context, env Env) error {
	path, err := o.windowFile(ctx, env)
	if err != nil {
		return err
	}
	switch err := os.Remove(path); {
	case errors.Is(err, fs.ErrNotExist):
		return tell(env.Err, "no window of this gateway has left anything behind")
	case err != nil:
		return fmt.Errorf("forget the last window: %w", err)
	}
	return tell(env.Err, "removed %s", path)
}

// of is what was seen of a node that a health check knows; nil for nothing.
func (s *seenNodes) of(n *apisix.NodeHealth) *metrics.NodeSeen {
	if s == nil {
		return nil
	}
	addr, err := netip.ParseAddr(cmp.Or(n.IP, n.Host))
	if err != nil {
		return nil
	}
	at := netip.AddrPortFrom(addr.Unmap(), uint16(n.Port))
	s.shown[at] = true
	return s.at[at]
}

// unchecked are the nodes that no health check knows. It is asked last.
func (s *seenNodes) unchecked() []*metrics.NodeSeen {
	if s == nil {
		return nil
	}
	var all []*metrics.NodeSeen
	for i := range s.Nodes {
		if !s.shown[s.Nodes[i].Address] {
			all = append(all, &s.Nodes[i])
		}
	}
	return all
}

func seenColumns() []render.Column {
	return []render.Column{
		{Title: "ATTEMPTS", Number: true}, {Title: "FAILED", Number: true}, {Title: "P50", Number: true}, {Title: "P99", Number: true},
		{Title: "LAST FAILURE"},
	}
}

func seenCells(n *metrics.NodeSeen) []string {
	if n == nil {
		return []string{"", "", "", "", ""}
	}
	took := func(d time.Duration) string {
		if d < 0 {
			return ""
		}
		return text.Duration(d)
	}
	last := ""
	if !n.LastFailed.IsZero() {
		last = age(n.LastFailed) + " ago: " + cmp.Or(n.LastReason, strings.Join(slices.Sorted(maps.Keys(n.Errors)), ","))
	}
	return []string{strconv.FormatUint(n.Attempts, 10), strconv.FormatUint(n.Failures, 10), took(n.P50), took(n.P99), last}
}

// age is how long ago something was, as coarsely as people say it.
func age(t time.Time) string {
	d := max(time.Since(t), 0)
	if d < time.Minute {
		return strconv.Itoa(int(d.Seconds())) + "s"
	}
	return text.Duration(d)
}

// seenLine is what the last window saw of a node, in JSON.
type seenLine struct {
	Ended      time.Time         `json:"window_ended"`
	Attempts   uint64            `json:"window_attempts"`
	Failures   uint64            `json:"window_failures"`
	Errors     map[string]uint64 `json:"window_errors,omitempty"`
	LastFailed time.Time         `json:"window_last_failed,omitzero"`
	LastReason string            `json:"window_last_reason,omitempty"`
	P50        *time.Duration    `json:"window_p50_ns,omitempty"`
	P99        *time.Duration    `json:"window_p99_ns,omitempty"`
}

// line is nil where nothing was seen.
func (s *seenNodes) line(n *metrics.NodeSeen) *seenLine {
	if s == nil || n == nil {
		return nil
	}
	l := &seenLine{Ended: s.Ended, Attempts: n.Attempts, Failures: n.Failures, Errors: n.Errors, LastFailed: n.LastFailed, LastReason: n.LastReason}
	if n.P50 >= 0 {
		l.P50, l.P99 = &n.P50, &n.P99
	}
	return l
}
