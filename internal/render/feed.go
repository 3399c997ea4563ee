package render

import (
	"fmt"
	"io"
	"time"
)

const (
	feedFull = 64 << 10              // bytes that wait at most
	feedWait = 50 * time.Millisecond // time that passes between two writes, while they fit
)

// feed collects lines and writes many at once: a write per request would cost a busy
// gateway's window more than all the rest. A quiet feed writes each line as it comes;
// what a busy one leaves behind is written by the next Flush.
type feed struct {
	w    io.Writer
	buf  []byte
	last time.Time // of the last write
}

func newFeed(w io.Writer) feed {
	return feed{w: w, buf: make([]byte, 0, feedFull+feedFull/4)}
}

// commit takes buf, with a record appended to it, back.
func (f *feed) commit(buf []byte) error {
	f.buf = buf
	if now := time.Now(); len(buf) >= feedFull || now.Sub(f.last) >= feedWait {
		f.last = now
		return f.Flush()
	}
	return nil
}

// Flush writes what waits.
func (f *feed) Flush() error {
	if len(f.buf) == 0 {
		return nil
	}
	_, err := f.w.Write(f.buf)
	f.buf = f.buf[:0]
	if err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// Close writes what waits; the writer stays open.
func (f *feed) Close() error { return f.Flush() }
