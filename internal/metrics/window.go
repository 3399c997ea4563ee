package metrics

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Window is what a window leaves behind of a gateway's upstream nodes.
type Window struct {
	Command  string        `json:"command"`
	Ended    time.Time     `json:"ended"`
	Length   time.Duration `json:"window_ns"`
	Requests uint64        `json:"requests"` // all that ended in it, whatever was shown
	Lost     uint64        `json:"lost"`     // events
	Others   uint64        `json:"other_attempts,omitempty"`
	Nodes    []NodeSeen    `json:"nodes"`
}

// maxFile is more than maxNodes nodes need.
const maxFile = 4 << 20

// Save writes w to a file that its owner alone can read, in place of what was there.
func (w *Window) Save(path string) error {
	data, err := json.Marshal(w)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err != nil {
		return fmt.Errorf("save what the window saw: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".window-*") // its mode is 0600
	if err != nil {
		return fmt.Errorf("save what the window saw: %w", err)
	}
	_, err = f.Write(append(data, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error tells more
		return fmt.Errorf("save what the window saw: %w", err)
	}
	return nil
}

// LoadWindow reads what Save wrote; nil where there is nothing.
func LoadWindow(path string) (*Window, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what the last window saw: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	w := &Window{}
	if err == nil {
		err = json.Unmarshal(data, w)
	}
	if err != nil {
		return nil, fmt.Errorf("read what the last window saw in %s: %w", path, err)
	}
	return w, nil
}
