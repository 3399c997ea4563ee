package cmd

import (
	"fmt"
	"io"
	"sync"

	"github.com/apisixscope/apisixscope/internal/text"
)

// talk is what a command says on stderr about itself: lines, and below them one that is
// rewritten. It is safe for concurrent use.
type talk struct {
	w  io.Writer
	on bool // somebody is there to listen

	mu    sync.Mutex
	stand bool // the last line is to be rewritten
}

func newTalk(env Env) *talk {
	return &talk{w: env.Err, on: env.ErrTerm || env.verbose()}
}

// say writes a line, if somebody listens.
func (t *talk) say(format string, args ...any) {
	if !t.on {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wipe()
	fmt.Fprintln(t.w, text.Clean(fmt.Sprintf(format, args...)))
}

// rewrite writes a line in place of the one that it wrote before.
func (t *talk) rewrite(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wipe()
	fmt.Fprint(t.w, line)
	t.stand = true
}

// clear leaves an empty line to whoever writes next.
func (t *talk) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wipe()
}

func (t *talk) wipe() {
	if t.stand {
		fmt.Fprint(t.w, "\r\x1b[K")
		t.stand = false
	}
}
