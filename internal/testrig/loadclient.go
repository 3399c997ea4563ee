package testrig

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// errIdleClosed says that the gateway closed a kept connection without a byte
// of response. Unless its worker was killed, it never saw the request.
var errIdleClosed = errors.New("idle connection closed by the gateway")

// exchangeTimeout bounds one request.
const exchangeTimeout = 30 * time.Second

// A loadClient is one client: one connection for plain HTTP/1.1 and one for
// TLS, made when needed, and a share in the load's HTTP/2 connections.
type loadClient struct {
	run        *loadRun
	plain, tls *clientConn
}

// A clientConn is a kept HTTP/1.1 connection.
type clientConn struct {
	net.Conn
	r    *bufio.Reader
	used bool
}

func (c *loadClient) close() {
	for _, conn := range []*clientConn{c.plain, c.tls} {
		if conn != nil {
			conn.Close()
		}
	}
}

// send makes one request.
func (c *loadClient) send(ctx context.Context, req loadRequest) Sent {
	s := Sent{ID: req.id, Kind: req.Kind, Start: time.Now().UnixNano()}
	var err error
	switch req.Transport {
	case OverHTTP:
		s.Status, err = c.http1(ctx, &c.plain, req)
	case OverHTTPS:
		s.Status, err = c.http1(ctx, &c.tls, req)
	case OverH2:
		err = req.http2(ctx, c.run.h2, "https://"+c.run.Target.TLS, &s)
	case OverH2C:
		err = req.http2(ctx, c.run.h2c, "http://"+c.run.Target.H2C, &s)
	}
	s.End = time.Now().UnixNano()
	if err != nil {
		s.Err = err.Error()
	}
	return s
}

// http1 sends the request on *conn, which it dials first if it is nil and sets
// to nil when the connection is spent.
func (c *loadClient) http1(ctx context.Context, conn **clientConn, req loadRequest) (int, error) {
	cc := *conn
	if cc == nil {
		var err error
		if cc, err = c.dial(ctx, req.Transport); err != nil {
			return 0, err
		}
		*conn = cc
	}
	stop := context.AfterFunc(ctx, func() { cc.Close() })
	defer stop()

	status, keep, err := cc.exchange(req)
	cc.used = true
	if !keep {
		cc.Close()
		*conn = nil
	}
	return status, err
}

func (c *loadClient) dial(ctx context.Context, over Transport) (*clientConn, error) {
	var d net.Dialer
	addr := c.run.Target.HTTP
	if over == OverHTTPS {
		addr = c.run.Target.TLS
	}
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if over == OverHTTPS {
		nc = tls.Client(nc, clientTLS())
	}
	return &clientConn{Conn: nc, r: bufio.NewReaderSize(nc, 32<<10)}, nil
}

// exchange sends one request and reads its response; keep says whether the
// connection can carry another.
func (cc *clientConn) exchange(req loadRequest) (status int, keep bool, err error) {
	cc.SetDeadline(time.Now().Add(exchangeTimeout))
	first := net.Buffers{req.head()}
	if req.Kind != Continue {
		first = append(first, req.body)
	}
	_, writeErr := first.WriteTo(cc.Conn)
	if _, err := cc.r.Peek(1); err != nil {
		if cc.used && !errors.Is(err, net.ErrClosed) {
			return 0, false, errIdleClosed
		}
		return 0, false, errors.Join(writeErr, fmt.Errorf("read response: %w", err))
	}

	if req.Kind == Continue {
		if err := cc.awaitContinue(); err != nil {
			return 0, false, err
		}
		if _, err := cc.Write(req.body); err != nil {
			return 0, false, fmt.Errorf("send body: %w", err)
		}
	}
	resp, err := http.ReadResponse(cc.r, &http.Request{Method: req.Method})
	if err != nil {
		return 0, false, fmt.Errorf("read response: %w", err)
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp.StatusCode, false, cc.talk()
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err == nil && !resp.Close, err
}

// awaitContinue reads the interim response that asks for the body.
func (cc *clientConn) awaitContinue() error {
	var head []string
	for len(head) == 0 || head[len(head)-1] != "" {
		line, err := readLine(cc.r)
		if err != nil {
			return fmt.Errorf("read 100 Continue: %w", err)
		}
		head = append(head, string(line))
	}
	if !strings.HasPrefix(head[0], "HTTP/1.1 100 ") {
		return fmt.Errorf("read 100 Continue: got %q", head[0])
	}
	return nil
}

// talk has one frame echoed over a WebSocket and closes it.
func (cc *clientConn) talk() error {
	hello := frame{opcode: wsText, payload: []byte("hello")}
	for _, f := range []frame{hello, {opcode: wsClose}} {
		if err := writeFrame(cc, f, true); err != nil {
			return fmt.Errorf("send frame: %w", err)
		}
		back, err := readFrame(cc.r)
		if err != nil {
			return fmt.Errorf("read frame: %w", err)
		}
		if back.opcode != f.opcode || !bytes.Equal(back.payload, f.payload) {
			return fmt.Errorf("read frame: sent %q, got %q", f.payload, back.payload)
		}
	}
	return nil
}
