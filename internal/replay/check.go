package replay

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/trace"
)

// A recording may be anybody's. What follows wants of it what holds for whatever a window can
// be of, so that those who show it need not ask.

const (
	longest  = 366 * 24 * time.Hour // of anything in a window
	mostTree = 1024                 // spans, or attempts, of a request
)

// checkExchange wants a request that can have been seen.
func checkExchange(x *trace.Exchange) error {
	t := &x.Timing
	err := checkTimes(x.Duration, t.ClientRead, t.Gateway, t.GatewayQueue, t.GatewayResponse, t.ClientWrite, t.Lua, x.CPU.Period, x.CPU.Time)
	switch {
	case err != nil:
		return err
	case len(x.Spans) > mostTree || len(x.Attempts) > mostTree:
		return fmt.Errorf("%d spans and %d attempts are too many", len(x.Spans), len(x.Attempts))
	case !isStatus(x.Status):
		return errors.New("a status is out of range")
	}
	for i := range x.Attempts {
		a := &x.Attempts[i]
		if err := checkTimes(a.Age, a.Connect, a.TLS, a.Send, a.Wait, a.Read, a.Duration); err != nil {
			return err
		}
		if !isStatus(a.Status) {
			return errors.New("a status is out of range")
		}
	}
	if l := x.Logged; l != nil {
		if err := checkTimes(l.RequestTime); err != nil || !isStatus(l.Status) {
			return errors.Join(err, errors.New("what nginx logs is out of range"))
		}
		for i := range l.Upstreams {
			u := &l.Upstreams[i]
			if err := checkTimes(u.Connect, u.Header, u.Response); err != nil {
				return err
			}
		}
	}
	return checkSpans(x)
}

func isStatus(n int) bool { return n >= 0 && n <= 999 }

func checkTimes(all ...time.Duration) error {
	for _, d := range all {
		if d < -longest || d > longest {
			return fmt.Errorf("a time of %d ns is out of range", d)
		}
	}
	return nil
}

// checkSpans wants parents before their children, as they are assembled.
func checkSpans(x *trace.Exchange) error {
	ids := map[trace.SpanID]bool{}
	for i := range x.Spans {
		s := &x.Spans[i]
		switch {
		case ids[s.ID]:
			return errors.New("two spans have one id")
		case s.Parent == s.ID && s.ID != (trace.SpanID{}):
			return errors.New("a span is its own parent")
		case s.Attempt < -1 || s.Attempt >= len(x.Attempts):
			return errors.New("a span is of no attempt")
		case !isStatus(s.Status):
			return errors.New("a status is out of range")
		}
		if err := checkTimes(s.Duration); err != nil {
			return err
		}
		ids[s.ID] = true
	}
	seen := map[trace.SpanID]bool{}
	for i := range x.Spans {
		s := &x.Spans[i]
		if ids[s.Parent] && !seen[s.Parent] {
			return errors.New("a span comes before its parent")
		}
		seen[s.ID] = true
	}
	return nil
}

// What bounds a profile: its smallest parts are two bytes in the file, and a hundred in memory.
const (
	maxProfile = 16 << 20
	mostParts  = 1 << 19
)

// parseProfile reads a profile that a Builder can have made.
func parseProfile(data []byte) (*pprof.Profile, error) {
	data, err := unzip(data)
	if err != nil {
		return nil, err
	}
	if n := parts(data); n > mostParts {
		return nil, fmt.Errorf("a profile of %d parts is too large", n)
	}
	p, err := pprof.ParseUncompressed(data)
	if err != nil {
		return nil, err
	}
	if err := p.CheckValid(); err != nil {
		return nil, err
	}
	if len(p.SampleType) != 2 || p.PeriodType == nil {
		return nil, errors.New("a profile of other values than samples and time")
	}
	for _, s := range p.Sample {
		if len(s.Value) != 2 || s.Value[0] < 0 || s.Value[1] < 0 || len(s.Location) == 0 {
			return nil, errors.New("a sample has no place, or other values than samples and time")
		}
		if pid := profile.LabelOf(s, profile.LabelWorker); pid != "" {
			if _, err := strconv.ParseUint(pid, 10, 31); err != nil {
				return nil, errors.New("a sample is of no worker")
			}
		}
	}
	for _, l := range p.Location {
		if len(l.Line) == 0 || slices.ContainsFunc(l.Line, func(l pprof.Line) bool { return l.Function == nil }) {
			return nil, errors.New("a place is in no function")
		}
	}
	cleanProfile(p)
	return p, nil
}

// cleanProfile makes of a stranger's text what is in a profile of ours: renderers write names
// as they are.
func cleanProfile(p *pprof.Profile) {
	for _, f := range p.Function {
		f.Name, f.SystemName, f.Filename = text.Clean(f.Name), text.Clean(f.SystemName), text.Clean(f.Filename)
	}
	for _, m := range p.Mapping {
		m.File, m.BuildID = text.Clean(m.File), text.Clean(m.BuildID)
	}
	for _, s := range p.Sample {
		for key, values := range s.Label {
			for i := range values {
				s.Label[key][i] = text.Clean(values[i])
			}
		}
	}
	for i := range p.Comments {
		p.Comments[i] = text.Clean(p.Comments[i])
	}
}

// unzip returns what gzip has packed, if it has.
func unzip(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return data, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	data, err = io.ReadAll(io.LimitReader(z, maxProfile+1))
	if err == nil && len(data) > maxProfile {
		err = errors.New("a profile of more than 16 MiB is too large")
	}
	return data, err
}

// parts counts the fields of a protobuf message.
func parts(data []byte) (n int) {
	for ; len(data) > 0; n++ {
		tag, rest, ok := varint(data)
		size := uint64(0) // of what follows
		switch tag & 7 {
		case 0:
			_, rest, ok = varint(rest)
		case 1:
			size = 8
		case 2:
			size, rest, ok = varint(rest)
		case 5:
			size = 4
		default:
			ok = false
		}
		if !ok || size > uint64(len(rest)) {
			return n // whoever reads it finds the fault, too
		}
		data = rest[size:]
	}
	return n
}

func varint(b []byte) (v uint64, rest []byte, ok bool) {
	for i := 0; i < len(b) && i < 10; i++ {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return v, b[i+1:], true
		}
	}
	return 0, nil, false
}
