package trace

import (
	"bytes"
	"time"
)

// A work is one client request under way, and what was done for it.
type work struct {
	key     workKey
	last    uint32    // the last exchange of the client's socket that belongs to it
	at      time.Time // when its end was told
	request *Request  // its end, by the request object
	client  *leg      // the client's socket, where the request object is not read, or died with the worker
	number  int       // this is the n-th request of that socket since the window began
	head    RequestHead
	answer  ResponseHead
	legs    []*leg // in the order in which they began
	queued  bool   // it has ended, and waits for the last of its bytes to be told
	died    *Process
}

// workKey is an exchange at a client's socket. Where that socket is not known, the
// request object stands in for it.
type workKey struct {
	socket   SocketID
	exchange uint32
	pid      int
	request  uint64
}

func keyOf(pid int, socket SocketID, exchange uint32, request uint64) workKey {
	if socket != 0 {
		return workKey{socket: socket, exchange: exchange}
	}
	return workKey{pid: pid, request: request}
}

// take adds a message of the client's socket.
func (w *work) take(m *Message, heads Heads) {
	c := w.client
	begins := m.Direction == In && c.asked == nil
	c.take(m)
	w.last = m.Exchange
	switch {
	case begins:
		w.head, _ = heads.Request(c.asked)
	case m.Direction == Out && w.answer.Status == 0:
		w.answer, _ = heads.Response(c.answered)
	case m.Direction == Out && w.answer.Status == 100:
		w.answer, _ = heads.Response(bytes.Clone(m.Head))
	}
}

// goesOn reports whether bytes from the client that begin an exchange belong to this
// request still: a tunnel, or a body that awaited 100 Continue. What cannot be read is one
// work for as long as the connection lasts.
func (w *work) goesOn() bool {
	return w.answer.Status == 100 || w.answer.Status == 101 || w.opaque()
}

// opaque reports whether the client's bytes cannot be read: TLS or HTTP/2.
func (w *work) opaque() bool {
	return w.client != nil && w.answer.Status == 0 && (isTLS(w.client.asked) || isH2(w.client.asked))
}

// whole reports whether all bytes of the response are known to have been sent.
func (w *work) whole() bool {
	a := w.answer
	if w.client == nil || a.Status < 200 || a.Len == 0 || w.opaque() {
		return false
	}
	body := a.Body
	if a.Status == 204 || a.Status == 304 || string(w.head.Method) == "HEAD" {
		body = 0
	}
	if body < 0 || w.client.out.Bytes < int64(a.Len)+body {
		return false
	}
	for _, l := range w.legs {
		if !l.over() {
			return false // a mirror's, say
		}
	}
	return true
}

// quiet reports whether nothing has moved for this request since before t.
func (w *work) quiet(t time.Time) bool {
	if w.client == nil || w.client.out.Began.IsZero() || w.answer.Status < 200 || w.client.out.Ended.After(t) {
		return false
	}
	for _, l := range w.legs {
		if !l.over() || l.ended().After(t) {
			return false
		}
	}
	return true
}

func (w *work) drop(l *leg) {
	for i := range w.legs {
		if w.legs[i] == l {
			w.legs = append(w.legs[:i], w.legs[i+1:]...)
			break
		}
	}
	l.work = nil
}

func isTLS(b []byte) bool { return len(b) > 2 && b[0] == 0x16 && b[1] == 3 }

// isRecord reports whether b begins with any TLS record.
func isRecord(b []byte) bool { return len(b) > 2 && b[0] >= 0x14 && b[0] <= 0x17 && b[1] == 3 }

func isAlert(b []byte) bool { return isRecord(b) && b[0] == 0x15 }

// isUpgrade reports whether a response begins a tunnel.
func isUpgrade(b []byte) bool { return bytes.HasPrefix(b, []byte("HTTP/1.1 101")) }

func isH2(b []byte) bool { return bytes.HasPrefix(b, []byte("PRI * HTTP/2")) }
