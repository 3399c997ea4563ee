package replay

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	pprof "github.com/google/pprof/profile"
	"github.com/klauspost/compress/zstd"

	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/trace"
)

// Format is the version of the file. A reader refuses a newer one; what is added without
// changing what was there does not make one.
const Format = 1

// The names of a recording's members. Those that end in a slash come in numbered parts.
const (
	manifestName = "manifest.json"
	eventsDir    = "events/"  // lines of AppendEvent
	otlpDir      = "otlp/"    // the same requests as OTLP JSON lines
	profileDir   = "profile/" // NUMBER.pb.gz and NUMBER.json: the last pair is the profile
	factsDir     = "facts/"   // JSON of other commands
	endName      = "end.json"
)

// Manifest says what a recording is of. It is the first member.
type Manifest struct {
	Format  int       `json:"format"`
	Version string    `json:"version"` // of the program that wrote it
	Began   time.Time `json:"began"`
	Gateway string    `json:"gateway"`           // in words
	Host    string    `json:"host,omitempty"`    // the gateway's own name
	Filters []string  `json:"filters,omitempty"` // those that the window had
	Bodies  int       `json:"bodies,omitempty"`  // bytes of each that were asked for
	Secrets bool      `json:"secrets,omitempty"` // credentials are in it
	// NoProfile says why there is no profile, in words; empty for one that there is to be.
	NoProfile string `json:"no_profile,omitempty"`
}

// End is what is known of a window when it is over. It is the last member of a recording that
// was ended in order.
type End struct {
	Window time.Duration // how long it was
	CPU    trace.CPUUse  // no Period: single requests have no CPU time
}

// What a chunk holds at most.
const (
	chunkBytes = 256 << 10
	chunkTime  = time.Second
)

// Writer writes a recording. Its methods may be called by several goroutines, but what is
// written to OTLP is of the one that calls Add.
type Writer struct {
	mu      sync.Mutex
	w       io.Writer
	zip     *zstd.Encoder
	events  []byte
	since   time.Time // of the oldest line in events
	chunks  int
	samples int // profiles that were written
	otlp    bytes.Buffer
	frame   bytes.Buffer
	members *tar.Writer
	failed  error
}

// NewWriter begins a recording on w. The caller flushes now and then, and ends with Close.
func NewWriter(w io.Writer, m Manifest) (*Writer, error) {
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20))
	if err != nil {
		return nil, err
	}
	r := &Writer{w: w, zip: zip}
	r.members = tar.NewWriter(&r.frame)
	m.Format = Format
	about, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	r.member(manifestName, append(about, '\n'))
	return r, r.seal()
}

// OTLP is where the same requests are to be written as OTLP JSON lines, for other programs.
func (r *Writer) OTLP() io.Writer { return &r.otlp }

// Add writes an event. Of a failure every later call tells, too.
func (r *Writer) Add(e *trace.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.events) == 0 {
		r.since = time.Now()
	}
	r.events = AppendEvent(r.events, e)
	if len(r.events) >= chunkBytes {
		return r.chunk()
	}
	return r.failed
}

// Flush writes what has waited for a second.
func (r *Writer) Flush() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.events) > 0 && time.Since(r.since) >= chunkTime {
		return r.chunk()
	}
	return r.failed
}

// chunk writes the events so far, and the same as OTLP, as members of a frame of their own.
func (r *Writer) chunk() error {
	r.chunks++
	r.member(fmt.Sprintf("%s%06d.jsonl", eventsDir, r.chunks), r.events)
	if r.otlp.Len() > 0 {
		r.member(fmt.Sprintf("%s%06d.jsonl", otlpDir, r.chunks), r.otlp.Bytes())
		r.otlp.Reset()
	}
	r.events = r.events[:0]
	return r.seal()
}

// Profile writes what the samples said so far. The last one counts.
func (r *Writer) Profile(p *pprof.Profile, sum *profile.Summary) error {
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples++
	name := fmt.Sprintf("%s%06d", profileDir, r.samples)
	// The profile first: one without its summary is not read.
	r.member(name+".pb.gz", b.Bytes())
	r.member(name+".json", append(Append(nil, sum), '\n'))
	return r.seal()
}

// Fact keeps the JSON of another command, such as doctor, as facts/NAME.json.
func (r *Writer) Fact(name string, data []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.member(factsDir+name+".json", data)
	return r.seal()
}

// Close ends the recording. Without it the file is one that was cut.
func (r *Writer) Close(e End) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.events) > 0 || r.otlp.Len() > 0 {
		r.chunk()
	}
	r.member(endName, append(Append(nil, &e), '\n'))
	if r.failed == nil {
		r.failed = r.members.Close()
	}
	return r.compress()
}

// member adds a file to the frame.
func (r *Writer) member(name string, data []byte) {
	if r.failed != nil {
		return
	}
	h := &tar.Header{Name: name, Mode: 0o600, Size: int64(len(data)), Format: tar.FormatUSTAR}
	if r.failed = r.members.WriteHeader(h); r.failed == nil {
		_, r.failed = r.members.Write(data)
	}
}

// seal compresses the frame and writes it.
func (r *Writer) seal() error {
	if r.failed == nil {
		r.failed = r.members.Flush() // pads the last member
	}
	return r.compress()
}

func (r *Writer) compress() error {
	if r.failed == nil {
		_, r.failed = r.w.Write(r.zip.EncodeAll(r.frame.Bytes(), nil))
	}
	r.frame.Reset()
	return r.failed
}
