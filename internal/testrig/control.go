package testrig

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// A verb is what the rig asks of its upstreams.
type verb string

const (
	verbSetUp   verb = "set up"        // listen; sent once, first
	verbRecords verb = "fetch records" // of one shard
	verbReset   verb = "reset records"

	verbAnswer   verb = "set answer" // to a request
	verbReceived verb = "fetch head" // of a request
)

// A command is one message to the upstreams process, on its stdin.
type command struct {
	Verb  verb
	SetUp setUp
	Shard int

	ID     string        // of a request
	Header []HeaderField // of its answer
}

// A setUp tells the upstreams process what to be.
type setUp struct {
	Dir    string // the rig's directory, which the process removes in the end
	Addr   string // to give to the veth device of its namespace, as a prefix; "" is loopback
	Record bool
}

// A reply is one message from the upstreams process, on its stdout.
type reply struct {
	Err     string
	Nodes   map[string]string // name to ip:port
	Records []Record

	Received ReceivedHead
}

// upstreams is our end of the upstreams process.
type upstreams struct {
	proc    *process
	nodes   map[string]string
	mu      sync.Mutex // one question at a time
	in, out *os.File
	enc     *gob.Encoder
	dec     *gob.Decoder
}

// startUpstreams starts the process; it does nothing before verbSetUp.
func startUpstreams(dir string, ownNetwork bool) (*upstreams, error) {
	cmd, err := roleUpstreams.command()
	if err != nil {
		return nil, err
	}
	if ownNetwork {
		isolate(cmd.SysProcAttr)
	}
	stderr, err := os.Create(filepath.Join(dir, "upstreams.log"))
	if err != nil {
		return nil, fmt.Errorf("start upstreams: %w", err)
	}
	defer stderr.Close()
	cmd.Stderr = stderr

	u := &upstreams{}
	if err := u.connect(cmd); err != nil {
		return nil, fmt.Errorf("start upstreams: %w", err)
	}
	return u, nil
}

// connect starts cmd with its stdin and stdout in our hands. They are plain
// pipes, not cmd's own, so that reads take deadlines.
func (u *upstreams) connect(cmd *exec.Cmd) error {
	childIn, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer childIn.Close()
	out, childOut, err := os.Pipe()
	if err != nil {
		in.Close()
		return err
	}
	defer childOut.Close()

	cmd.Stdin, cmd.Stdout = childIn, childOut
	u.proc, err = startProcess(cmd)
	if err != nil {
		in.Close()
		out.Close()
		return err
	}
	u.in, u.out = in, out
	u.enc, u.dec = gob.NewEncoder(in), gob.NewDecoder(out)
	return nil
}

// ask sends a command and waits for its reply. A question cut short by ctx
// leaves the pipe out of step: the rig is then only good for closing.
func (u *upstreams) ask(ctx context.Context, c command) (reply, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return reply{}, fmt.Errorf("%s: %w", c.Verb, err)
	}
	u.out.SetReadDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() { u.out.SetReadDeadline(time.Now()) })
	defer stop()

	if err := u.enc.Encode(c); err != nil {
		return reply{}, fmt.Errorf("%s: ask upstreams: %w", c.Verb, err)
	}
	var r reply
	if err := u.dec.Decode(&r); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return reply{}, fmt.Errorf("%s: read from upstreams: %w", c.Verb, err)
	}
	if r.Err != "" {
		return reply{}, fmt.Errorf("%s: %w", c.Verb, errors.New(r.Err))
	}
	return r, nil
}

// close ends the process by ending its stdin. It then removes the rig's
// directory, so nginx must have ended.
func (u *upstreams) close() {
	u.in.Close()
	if !u.proc.wait(5 * time.Second) {
		u.proc.cmd.Process.Kill()
		<-u.proc.done
	}
	u.out.Close()
}
