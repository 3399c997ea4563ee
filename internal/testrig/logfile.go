package testrig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The gateway's logs, in the rig's directory.
const (
	accessLog  = "access.log"
	apisixLog  = "apisix.log"
	contextLog = "context.log"
)

// APISIXLogPath is the file that a rig with Options.APISIXLog writes, in the default
// format of APISIX 3.16, to the byte.
func (r *Rig) APISIXLogPath() string { return filepath.Join(r.dir, apisixLog) }

// APISIXLog reads that file. nginx writes a line after the client has its answer, and up
// to three seconds later with Options.BufferLog.
func (r *Rig) APISIXLog() ([]string, error) {
	if !r.opts.APISIXLog {
		return nil, errors.New("read log: the rig was started without Options.APISIXLog")
	}
	return r.logLines(apisixLog)
}

// WaitAPISIXLog waits until the log has at least n lines, and reads it.
func (r *Rig) WaitAPISIXLog(ctx context.Context, n int) ([]string, error) {
	if r.opts.APISIXLog {
		if err := r.waitLog(ctx, apisixLog, n); err != nil {
			return nil, err
		}
	}
	return r.APISIXLog()
}

// logLines reads the whole lines of a log, without their ends.
func (r *Rig) logLines(name string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	lines := strings.Split(string(text), "\n")
	return lines[:len(lines)-1], nil // a worker may be writing the last one right now
}

// logTimeout bounds waitLog, whatever its context says: what nginx has answered, it
// logs within seconds.
const logTimeout = 30 * time.Second

// waitLog waits until a log has at least n lines.
func (r *Rig) waitLog(ctx context.Context, name string, n int) error {
	ctx, cancel := context.WithTimeout(ctx, logTimeout)
	defer cancel()
	var have int
	err := poll(ctx, func() (bool, error) {
		text, err := os.ReadFile(filepath.Join(r.dir, name))
		have = bytes.Count(text, []byte("\n"))
		return have >= n, err
	})
	if err != nil {
		return fmt.Errorf("wait for %d lines in %s, have %d: %w", n, name, have, err)
	}
	return nil
}
