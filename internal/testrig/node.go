package testrig

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"
)

// A node is one address of an upstream. It speaks just as much HTTP/1.1 as
// nginx sends; net/http would cost more than the gateway under test.
type node struct {
	name    string
	behave  behaviour
	records *recorder
	conns   *atomic.Uint64 // numbers the connections of all nodes
	fields  bool           // keep each request's whole head for the behaviour
}

// A behaviour answers req on c, or fails to.
type behaviour func(c *nodeConn, req *nodeRequest) verdict

// A verdict is how a behaviour left the request and its connection.
type verdict struct {
	status  int
	outcome Outcome
	keep    bool // the connection can carry another request
}

// A nodeConn is one connection from the gateway.
type nodeConn struct {
	net.Conn
	r   *bufio.Reader
	seq int
}

// A nodeRequest is a request's head. Its body has been read already.
type nodeRequest struct {
	method, path string
	id           string
	etag         string // If-None-Match
	wsKey        string // Sec-WebSocket-Key
	length       int64

	keep   bool // the head, as it came
	line   string
	fields []HeaderField
}

// serve accepts connections until l is closed.
func (n *node) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// Out of descriptors, most likely: the gateway may retry.
			time.Sleep(time.Millisecond)
			continue
		}
		go n.serveConn(c)
	}
}

func (n *node) serveConn(nc net.Conn) {
	defer nc.Close()
	c := &nodeConn{Conn: nc, r: bufio.NewReaderSize(nc, 32<<10)}
	number := n.conns.Add(1)
	local, remote := nc.LocalAddr().String(), nc.RemoteAddr().String()
	for {
		if _, err := c.r.Peek(1); err != nil {
			return // the gateway closed an idle connection
		}
		start := time.Now()
		c.seq++
		req := nodeRequest{keep: n.fields}
		err := req.read(c.r)
		if err != nil {
			return
		}
		v := n.behave(c, &req)
		n.records.add(number, Record{
			ID: req.id, Node: n.name, LocalAddr: local, RemoteAddr: remote, ConnSeq: c.seq,
			Start: start.UnixNano(), End: time.Now().UnixNano(),
			Method: req.method, Path: req.path, Status: v.status, Outcome: v.outcome,
		})
		if !v.keep {
			return
		}
	}
}

// read reads a head, and throws its body away.
func (req *nodeRequest) read(r *bufio.Reader) error {
	line, err := readLine(r)
	if err != nil {
		return err
	}
	method, rest, _ := bytes.Cut(line, []byte(" "))
	path, _, ok := bytes.Cut(rest, []byte(" "))
	if !ok {
		return fmt.Errorf("read request line %q: not HTTP", line)
	}
	req.method, req.path = string(method), string(path)
	if req.keep {
		req.line = string(line)
	}

	for {
		line, err := readLine(r)
		if err != nil {
			return err
		}
		if len(line) == 0 {
			break
		}
		if err := req.header(line); err != nil {
			return err
		}
	}
	if req.length > 0 {
		_, err = io.CopyN(io.Discard, r, req.length)
	}
	return err
}

// header keeps the header if a behaviour needs it.
func (req *nodeRequest) header(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte(":"))
	if req.keep {
		req.fields = append(req.fields, HeaderField{string(name), string(bytes.TrimPrefix(value, []byte(" ")))})
	}
	value = bytes.TrimSpace(value)
	var err error
	switch {
	case bytes.EqualFold(name, []byte(idHeader)):
		req.id = string(value)
	case bytes.EqualFold(name, []byte("Content-Length")):
		req.length, err = strconv.ParseInt(string(value), 10, 64)
	case bytes.EqualFold(name, []byte("If-None-Match")):
		req.etag = string(value)
	case bytes.EqualFold(name, []byte("Sec-WebSocket-Key")):
		req.wsKey = string(value)
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		// nginx buffers request bodies, so it always knows the length.
		err = errors.New("read request: transfer encodings are not supported")
	}
	return err
}

// readLine returns the next line without its end; it is valid until the next read.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}
