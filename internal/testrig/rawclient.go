package testrig

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"
)

// A RawRequest is sent as it is: no library sorts, merges or mends its fields.
type RawRequest struct {
	Route  Route  // whose method, host and first path are used
	Path   string // instead of the route's first, if not ""
	ID     string // X-Rig-Id, the first field after the host
	Header []HeaderField
	Body   []byte // sent with its length if not nil
}

// A RawResponse has every field as it came. Over HTTP/2 the names are in lower case, and
// :status is not among them.
type RawResponse struct {
	Status          int
	Header, Trailer []HeaderField
	Body            []byte
}

// A RawConn is a client's connection to the gateway that carries one request at a time.
type RawConn struct {
	net.Conn
	over Transport
	r    *bufio.Reader
	h2   *h2Conn // nil over HTTP/1
}

// DialRaw connects to the gateway. The caller closes the connection.
func (t Target) DialRaw(ctx context.Context, over Transport) (*RawConn, error) {
	addr := map[Transport]string{OverHTTP: t.HTTP, OverHTTPS: t.TLS, OverH2: t.TLS, OverH2C: t.H2C}[over]
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if over == OverHTTPS || over == OverH2 {
		conf := clientTLS()
		if over == OverH2 {
			conf.NextProtos = []string{"h2"}
		}
		nc = tls.Client(nc, conf)
	}
	c := &RawConn{Conn: nc, over: over, r: bufio.NewReaderSize(nc, 64<<10)}
	if over == OverH2 || over == OverH2C {
		if c.h2, err = startH2(nc, c.r); err != nil {
			nc.Close()
			return nil, err
		}
	}
	return c, nil
}

// SendRaw makes one request over a connection of its own.
func (t Target) SendRaw(ctx context.Context, over Transport, req RawRequest) (RawResponse, error) {
	c, err := t.DialRaw(ctx, over)
	if err != nil {
		return RawResponse{}, err
	}
	defer c.Close()
	return c.Send(ctx, req)
}

// Send makes one request and reads its whole response.
func (c *RawConn) Send(ctx context.Context, req RawRequest) (RawResponse, error) {
	c.SetDeadline(time.Now().Add(exchangeTimeout))
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Now()) })
	defer stop()
	if req.Path == "" {
		req.Path = req.Route.Paths[0]
	}
	if c.h2 != nil {
		return c.h2.send(req)
	}
	if _, err := c.Write(req.http1()); err != nil {
		return RawResponse{}, fmt.Errorf("send request: %w", err)
	}
	resp, err := readRaw(c.r, req.Route.Method)
	if err != nil {
		return resp, fmt.Errorf("read response: %w", err)
	}
	return resp, nil
}

// http1 writes the request as HTTP/1.1 does.
func (q RawRequest) http1() []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s %s HTTP/1.1\r\nHost: %s\r\n%s: %s\r\n", q.Route.Method, q.Path, q.Route.Host, idHeader, q.ID)
	if q.Body != nil {
		fmt.Fprintf(&out, "Content-Length: %d\r\n", len(q.Body))
	}
	for _, f := range q.Header {
		out.WriteString(f.Name + ": " + f.Value + "\r\n")
	}
	out.WriteString("\r\n")
	out.Write(q.Body)
	return out.Bytes()
}

// readRaw reads a response of HTTP/1 to a request with the method.
func readRaw(r *bufio.Reader, method string) (RawResponse, error) {
	var resp RawResponse
	line, err := readLine(r)
	if err != nil {
		return resp, err
	}
	words := strings.SplitN(string(line), " ", 3)
	if len(words) < 2 {
		return resp, fmt.Errorf("want a status line, got %q", line)
	}
	if resp.Status, err = strconv.Atoi(words[1]); err != nil {
		return resp, fmt.Errorf("want a status line, got %q", line)
	}

	length, chunked := int64(-1), false
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return resp, err
		}
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if len(line) == 0 {
			break
		}
		name, value, _ := strings.Cut(string(line), ":")
		value = strings.TrimPrefix(value, " ")
		resp.Header = append(resp.Header, HeaderField{name, value})
		switch {
		case strings.EqualFold(name, "Content-Length"):
			if length, err = strconv.ParseInt(value, 10, 64); err != nil {
				return resp, err
			}
		case strings.EqualFold(name, "Transfer-Encoding"):
			chunked = true
		}
	}

	switch {
	case method == "HEAD" || resp.Status == 204 || resp.Status == 304:
	case chunked:
		resp.Body, err = io.ReadAll(httputil.NewChunkedReader(r))
		if err == nil {
			_, err = readLine(r) // the end of the trailer: the rig's upstreams send none
		}
	case length >= 0:
		resp.Body = make([]byte, length)
		_, err = io.ReadFull(r, resp.Body)
	default:
		resp.Body, err = io.ReadAll(r)
	}
	return resp, err
}
