package replay

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	pprof "github.com/google/pprof/profile"
	"github.com/klauspost/compress/zstd"

	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/trace"
)

// What bounds the memory that a file can make us take, whoever wrote it.
const (
	maxWindow = 64 << 20 // of a zstd frame
	maxLine   = 4 << 20
	maxMember = 32 << 20 // of a profile, or a fact
	mostFacts = 64
	// What is in it is as large as that, and so many times as large as the file.
	mostPlain, mostTimes = 1 << 30, 1000
)

// Recording is a file that a Writer wrote.
type Recording struct {
	Manifest
	Window  time.Duration   // how long; until the last that is known, where the file is cut
	Cut     string          // says in words where it is cut; empty for a whole one
	Profile *pprof.Profile  // nil for none
	Samples profile.Summary // of the profile
	CPU     trace.CPUUse    // of single requests; no Period: they have none, or the file is cut
	Facts   map[string][]byte

	path     string
	unsummed []byte // a profile whose summary has not come
}

// Open reads what the file at path is of, and all of it once to see how far it goes. Its
// requests are read again by each Source.
func Open(path string) (*Recording, error) {
	r := &Recording{path: path, Facts: map[string][]byte{}}
	err := r.read()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return r, nil
}

// errNone means that the file is none of ours.
var errNone = hint.Wrap(errors.New("it is no recording"), "apisixscope record -w FILE makes one")

func (r *Recording) read() error {
	m, err := openMembers(r.path)
	if err != nil {
		return err
	}
	defer m.Close()
	name, err := m.next()
	if err != nil || name != manifestName {
		return errNone
	}
	about, err := m.all()
	if err != nil || json.Unmarshal(about, &r.Manifest) != nil || r.Format == 0 {
		return errNone
	}
	if r.Format > Format {
		return hint.Wrap(fmt.Errorf("it is of format %d, and this program knows %d", r.Format, Format), "use apisixscope "+text.Clean(r.Version)+", which wrote it, or a newer one")
	}
	var last time.Time
	whole := false
	for {
		name, err = m.next()
		if err != nil {
			break
		}
		if err = r.take(name, m, &last, &whole); err != nil {
			break
		}
	}
	if !errors.Is(err, io.EOF) || !whole {
		r.Cut = "the recording is cut"
		if !last.IsZero() {
			r.Cut += " after " + last.UTC().Format("15:04:05.000") + " UTC"
		}
		if errors.Is(err, errMember) {
			r.Cut += ": " + err.Error()
		}
		r.Window = max(last.Sub(r.Began), 0)
	}
	return nil
}

// errMember means that a member is not what it should be.
var errMember = errors.New("a part of it cannot be read")

// take keeps what a member says of the whole.
func (r *Recording) take(name string, m *members, last *time.Time, whole *bool) error {
	switch {
	case strings.HasPrefix(name, eventsDir):
		line, err := m.lastLine()
		if e, bad := ParseEvent(line); bad == nil && e.Kind == trace.KindExchange {
			*last = e.Exchange.Start.Add(e.Exchange.Duration)
		}
		return err
	case strings.HasPrefix(name, profileDir):
		data, err := m.all()
		if err != nil {
			return err
		}
		return r.takeProfile(name, data)
	case strings.HasPrefix(name, factsDir):
		data, err := m.all()
		if err == nil && len(r.Facts) >= mostFacts {
			err = fmt.Errorf("%w: there are too many facts", errMember)
		}
		if err == nil {
			r.Facts[strings.TrimSuffix(strings.TrimPrefix(name, factsDir), ".json")] = data
		}
		return err
	case name == endName:
		data, err := m.all()
		var e End
		if err == nil && Parse(data, &e) == nil {
			r.Window, r.CPU, *whole = e.Window, e.CPU, true
		}
		return err
	}
	return nil
}

// takeProfile keeps the profile when its summary comes: the two belong together.
func (r *Recording) takeProfile(name string, data []byte) error {
	if strings.HasSuffix(name, ".pb.gz") {
		r.unsummed = data
		return nil
	}
	p, err := parseProfile(r.unsummed)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errMember, name, err)
	}
	var sum profile.Summary
	if err := Parse(data, &sum); err != nil {
		return fmt.Errorf("%w: %s: %w", errMember, name, err)
	}
	r.Profile, r.Samples, r.unsummed = p, sum, nil
	return nil
}

// Source returns the recorded window as a trace.Source, from its beginning. It has a
// Window, which trace.Pipeline takes for its own time.
func (r *Recording) Source() (*Source, error) {
	m, err := openMembers(r.path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", r.path, err)
	}
	return &Source{members: m, recording: r}, nil
}

// Source yields the events of a recording.
type Source struct {
	recording *Recording
	members   *members
	lines     *bufio.Reader // of the member that is being read; nil between two
	told      bool          // that it is cut
}

// Window returns for how long the gateway was watched.
func (s *Source) Window() time.Duration { return s.recording.Window }

// Close closes the file.
func (s *Source) Close() error { return s.members.Close() }

// Next returns the next event. Where the recording is cut it says so, and ends.
func (s *Source) Next(ctx context.Context) (trace.Event, error) {
	for ctx.Err() == nil {
		if s.lines == nil {
			name, err := s.members.next()
			switch {
			case err != nil && s.recording.Cut != "" && !s.told:
				s.told = true
				return trace.Event{Kind: trace.KindNote, Note: s.recording.Cut}, nil
			case err != nil:
				return trace.Event{}, io.EOF
			case strings.HasPrefix(name, eventsDir):
				s.lines = s.members.reader()
			}
			continue
		}
		line, err := readLine(s.lines)
		if err != nil { // a torn line is none
			s.lines = nil
			continue
		}
		e, err := ParseEvent(line)
		if err == nil && e.Kind == trace.KindExchange {
			err = checkExchange(e.Exchange)
		}
		switch {
		case err == nil:
			return e, nil
		case !errors.Is(err, errKind): // a newer version's is no loss
			return trace.Event{Kind: trace.KindLost, Cause: "recording_unreadable", Count: 1}, nil
		}
	}
	return trace.Event{}, ctx.Err()
}

// members are the parts of a recording, one after the other.
type members struct {
	file *os.File
	zip  *zstd.Decoder
	tar  *tar.Reader
}

func openMembers(path string) (*members, error) {
	f, err := os.Open(path)
	if err != nil {
		var at *os.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	zip, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(1<<40))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	plain := io.LimitReader(zip, mostPlain+mostTimes*info.Size()) // nobody is to wait for a file of zeros
	return &members{file: f, zip: zip, tar: tar.NewReader(plain)}, nil
}

// next leads to the next member, and returns its name; any error is the end of what can be
// read, and io.EOF that of a whole file.
func (m *members) next() (string, error) {
	h, err := m.tar.Next()
	if err != nil {
		return "", err
	}
	return h.Name, nil
}

// all returns a member that is held in memory.
func (m *members) all() ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(m.tar, maxMember+1))
	if err == nil && len(b) > maxMember {
		err = fmt.Errorf("%w: it is too large", errMember)
	}
	return b, err
}

func (m *members) reader() *bufio.Reader { return bufio.NewReaderSize(m.tar, 64<<10) }

// lastLine returns the last whole line of a member; empty if there is none.
func (m *members) lastLine() ([]byte, error) {
	in := m.reader()
	var last []byte
	for {
		line, err := readLine(in)
		switch {
		case errors.Is(err, io.EOF):
			return last, nil
		case err != nil:
			return last, err
		}
		last = append(last[:0], line...)
	}
}

// readLine returns a line without its break; io.EOF where there is no whole one any more.
func readLine(in *bufio.Reader) ([]byte, error) {
	var long []byte
	for {
		part, err := in.ReadSlice('\n')
		switch {
		case err == nil && long == nil:
			return bytes.TrimSuffix(part, []byte("\n")), nil
		case err == nil:
			return bytes.TrimSuffix(append(long, part...), []byte("\n")), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(long)+len(part) > maxLine:
			return nil, fmt.Errorf("%w: a line is too long", errMember)
		}
		long = append(long, part...)
	}
}

// Close closes the file.
func (m *members) Close() error {
	m.zip.Close()
	return m.file.Close()
}
