// Package otlp writes exchanges as OpenTelemetry traces.
//
//	*trace.Exchange -> spans by resource -> {"resourceSpans":[…]}, one object a line
//
// A line is an ExportTraceServiceRequest in OTLP's JSON encoding, as a collector's
// otlpjsonfile receiver reads it. A resource is a process: a worker of the gateway, or an
// upstream's process on this host.
package otlp

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/apisixscope/apisixscope/trace"
)

const (
	scopeName    = "github.com/apisixscope/apisixscope"
	batch        = 64        // exchanges on a line
	batchBytes   = 512 << 10 // of spans: a collector's file receiver cuts lines of 1 MiB
	maxResources = 256       // processes that are remembered from line to line
)

// Sink writes spans in batches. It is a trace.Sink, and a Flusher as render has it.
type Sink struct {
	w         io.Writer
	buf       []byte
	waiting   int // exchanges
	size      int // bytes of their spans
	resources map[process]*resource
	order     []*resource // those with spans, as they came
}

// process is what makes a resource.
type process struct {
	pid  int
	name string // empty for the gateway
}

// resource collects the spans of one process until the batch is written.
type resource struct {
	process
	spans []byte
}

// NewSink returns a sink that writes lines to w, which stays open.
func NewSink(w io.Writer) *Sink {
	return &Sink{w: w, resources: map[process]*resource{}}
}

// Show adds the spans of one exchange to the batch.
func (s *Sink) Show(x *trace.Exchange) error {
	for i := range x.Spans {
		sp := &x.Spans[i]
		of := process{pid: sp.PID}
		if sp.PID == 0 {
			of.pid = x.PID
		}
		if sp.Role == trace.RoleUpstream {
			of.name = sp.Process
			if of.name == "" {
				of.name = "upstream"
			}
		}
		r := s.resource(of)
		before := len(r.spans)
		r.spans = appendSpan(r.spans, x, i)
		s.size += len(r.spans) - before
	}
	if s.waiting++; s.waiting >= batch || s.size >= batchBytes {
		return s.Flush()
	}
	return nil
}

func (s *Sink) resource(of process) *resource {
	r := s.resources[of]
	if r == nil {
		r = &resource{process: of}
		s.resources[of] = r
	}
	if len(r.spans) == 0 {
		s.order = append(s.order, r)
	}
	return r
}

// Flush writes the batch as one line; an empty batch is none.
func (s *Sink) Flush() error {
	s.waiting, s.size = 0, 0
	if len(s.order) == 0 {
		return nil
	}
	b := append(s.buf[:0], `{"resourceSpans":[`...)
	for _, r := range s.order {
		b = append(b, `{"resource":{"attributes":[`...)
		b = resourceAttrs(b, r.process)
		b = append(shut(b, ']'), `},"scopeSpans":[{"scope":{"name":"`+scopeName+`"},"spans":[`...)
		b = append(shut(append(b, r.spans...), ']'), "}]},"...)
		r.spans = r.spans[:0]
	}
	s.order = s.order[:0]
	if len(s.resources) > maxResources {
		clear(s.resources)
	}
	return s.write(b)
}

func (s *Sink) write(b []byte) error {
	s.buf = append(shut(b, ']'), '}', '\n')
	if _, err := s.w.Write(s.buf); err != nil {
		return fmt.Errorf("write spans: %w", err)
	}
	return nil
}

func resourceAttrs(b []byte, p process) []byte {
	name := p.name
	if name == "" {
		name = "apisix"
	}
	b = textAttr(b, "service.name", name)
	b = countAttr(b, "process.pid", int64(p.pid))
	b = textAttr(b, "process.executable.name", p.name)
	return textAttr(b, "telemetry.sdk.name", "apisixscope")
}

// Summary writes what waits. OTLP has no word for a window, but a loss is never silent:
// if there was one, a last line has a resource without spans that tells it.
func (s *Sink) Summary(sum trace.Summary) error {
	if err := s.Flush(); err != nil || len(sum.Lost) == 0 {
		return err
	}
	b := append(s.buf[:0], `{"resourceSpans":[{"resource":{"attributes":[`...)
	b = resourceAttrs(b, process{})
	b = intAttr(b, "apisixscope.seen", int64(sum.Seen))
	b = intAttr(b, "apisixscope.shown", int64(sum.Shown))
	for _, cause := range slices.Sorted(maps.Keys(sum.Lost)) {
		key := "apisixscope.lost." + strings.Map(keyRune, cause)
		b = intAttr(b, key, int64(sum.Lost[cause]))
	}
	return s.write(append(shut(b, ']'), `},"scopeSpans":[]},`...))
}

// keyRune makes a cause fit for the name of an attribute.
func keyRune(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
		return r
	}
	return '_'
}

// Close writes what waits; the writer stays open.
func (s *Sink) Close() error { return s.Flush() }
