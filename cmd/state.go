package cmd

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/trace"
)

// stateDir is where the user's state of this program is. Root has it in one place, for sudo may
// keep or change the home directory.
func stateDir(env Env) (string, error) {
	state := env.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) { // as the specification has it
		state = ""
	}
	switch home := env.Getenv("HOME"); {
	case state != "":
	case os.Geteuid() == 0:
		state = "/var/lib"
	case filepath.IsAbs(home):
		state = filepath.Join(home, ".local", "state")
	default:
		return "", hint.Wrap(errors.New("find a directory for state: neither XDG_STATE_HOME nor HOME is set"), "set XDG_STATE_HOME to a directory of your own")
	}
	return filepath.Join(state, "apisixscope"), nil
}

// windowFile is where what the last window of a gateway saw is left.
func windowFile(env Env, t *gateway.Target) (string, error) {
	dir, err := stateDir(env)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "window-"+identity(t)+".json"), nil
}

// identity tells gateways of a host apart, and outlives their processes: it is made of the
// program, how it was started, and its root directory, which each container has for itself.
func identity(t *gateway.Target) string {
	p := leader(t)
	words := t.Path + "\x00" + p.Title
	if info, err := os.Stat(fmt.Sprintf("/proc/%d/root/.", p.PID)); err == nil {
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			words += fmt.Sprintf("\x00%d:%d", s.Dev, s.Ino)
		}
	}
	sum := sha256.Sum256([]byte(words))
	return hex.EncodeToString(sum[:6])
}

// leave saves what a window saw of its upstream nodes, for "admin health". A window that saw
// none leaves what is there.
func (w *window) leave(sum trace.Summary) {
	if w.nodes == nil {
		return
	}
	left := metrics.Window{Command: w.command, Ended: time.Now().UTC().Truncate(time.Millisecond), Length: sum.Window, Requests: sum.Seen}
	for _, n := range sum.Lost {
		left.Lost += n
	}
	if left.Nodes, left.Others = w.nodes.Seen(); len(left.Nodes) == 0 {
		return
	}
	path, err := windowFile(w.env, w.target)
	if err == nil {
		err = left.Save(path)
	}
	if err != nil {
		w.env.Log.Info("left nothing behind", "error", err) // the window was a good one all the same
	}
}
