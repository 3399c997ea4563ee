package cmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/internal/hint"
)

// output is where data goes: stdout, or a file that gets its name when it is whole.
type output struct {
	io.Writer
	stdout bool

	mu   sync.Mutex // a window may be left alone while it ends
	file *os.File   // nil for stdout, and once it is done with
	path string     // the name that it has, or is to get
	temp bool       // it has a temporary name yet
}

// openOutput opens the file at path for writing; "" and "-" are stdout. The caller ends
// with commit, or with discard.
func openOutput(env Env, path string) (*output, error) {
	if path == "" || path == "-" {
		return &output{Writer: env.Out, stdout: true}, nil
	}
	out, err := createOutput(path)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("write %s: %w", path, cause(err)), "name a file in a directory that you may write to with -w")
	}
	out.Writer = out.file
	return out, nil
}

func createOutput(path string) (*output, error) {
	// A link stays a link: what it leads to is written.
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return nil, unix.EISDIR
	case err == nil && !info.Mode().IsRegular(): // a pipe, or /dev/null: nothing to be replaced
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		return &output{file: f, path: path}, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // its mode is 0600
	return &output{file: f, path: path, temp: true}, err
}

// cause is what the system said, without the temporary name.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// unread reports whether err is that nobody reads any more: whoever read it has seen enough.
func (o *output) unread(err error) bool { return o.stdout && errors.Is(err, unix.EPIPE) }

// commit gives a file its name.
func (o *output) commit() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file == nil {
		return nil
	}
	f := o.file
	err := f.Close()
	if err == nil && o.temp {
		err = os.Rename(f.Name(), o.path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", o.path, cause(err))
	}
	o.file = nil
	return nil
}

// discard removes a file that was not committed.
func (o *output) discard() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file == nil {
		return
	}
	// What is not wanted need not be whole.
	_ = o.file.Close()
	if o.temp {
		_ = os.Remove(o.file.Name())
	}
	o.file = nil
}
