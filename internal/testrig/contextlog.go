package testrig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A ContextLine is what one request's ngx.ctx.api_ctx held when the request ended.
type ContextLine struct {
	ID     string            // X-Rig-Id
	Fields map[string]string // by name; a field that was nil is absent
	Types  map[string]string // Lua's type of each
}

// contextFields are those of lua/apisix/context_log.lua, in order.
var contextFields = []string{
	"route_id", "route_name", "service_id", "service_name", "consumer_name", "upstream_key",
	"upstream_scheme", "balancer_ip", "balancer_port", "balancer_try_count", "conf_type",
	"conf_id", "conf_version", "request-id-X-Request-Id",
}

// WaitContextLog waits until n requests have ended that had an api_ctx, and tells of all.
// The rig needs Options.ContextLog.
func (r *Rig) WaitContextLog(ctx context.Context, n int) ([]ContextLine, error) {
	if !r.opts.ContextLog {
		return nil, errors.New("read contexts: the rig was started without Options.ContextLog")
	}
	if err := r.waitLog(ctx, contextLog, n); err != nil {
		return nil, err
	}
	rows, err := r.logLines(contextLog)
	if err != nil {
		return nil, err
	}
	lines := make([]ContextLine, len(rows))
	for i, row := range rows {
		if lines[i], err = parseContextLine(row); err != nil {
			return nil, fmt.Errorf("read %s, line %d: %w", contextLog, i+1, err)
		}
	}
	return lines, nil
}

func parseContextLine(row string) (ContextLine, error) {
	f := strings.Split(row, "\t")
	if len(f) != len(contextFields)+1 {
		return ContextLine{}, fmt.Errorf("want %d fields, got %d: %q", len(contextFields)+1, len(f), row)
	}
	line := ContextLine{ID: f[0], Fields: map[string]string{}, Types: map[string]string{}}
	for i, name := range contextFields {
		kind, value, _ := strings.Cut(f[i+1], ":")
		if kind != "nil" {
			line.Fields[name], line.Types[name] = value, kind
		}
	}
	return line, nil
}

func (r *Rig) contextLogPath() string { return filepath.Join(r.dir, contextLog) }

// makeContextLog creates the file that the workers, which run as another user, add to.
func (r *Rig) makeContextLog() error {
	if !r.opts.ContextLog {
		return nil
	}
	if err := os.WriteFile(r.contextLogPath(), nil, 0o600); err != nil {
		return fmt.Errorf("create context log: %w", err)
	}
	if err := os.Chmod(r.contextLogPath(), 0o666); err != nil {
		return fmt.Errorf("create context log: %w", err)
	}
	return nil
}
