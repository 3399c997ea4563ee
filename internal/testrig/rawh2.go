package testrig

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"golang.org/x/net/http2/hpack"
)

// Frame types, flags and a setting of HTTP/2 (RFC 9113, sections 6 and 6.5.2).
const (
	h2Data, h2Headers, h2Reset, h2Settings, h2Ping, h2GoAway, h2Window, h2Continuation = 0, 1, 3, 4, 6, 7, 8, 9

	h2EndStream, h2Ack, h2EndHeaders, h2Padded, h2Priority = 0x1, 0x1, 0x4, 0x8, 0x20

	h2InitialWindow = 4
)

// h2Piece is the most that a frame carries before settings say otherwise.
const h2Piece = 16 << 10

// An h2Conn is a client's end of HTTP/2. It knows one stream at a time and no more of
// the protocol than that takes; what it sends and reads is not mended on the way.
type h2Conn struct {
	w       io.Writer
	r       *bufio.Reader
	enc     *hpack.Encoder
	encoded bytes.Buffer
	dec     *hpack.Decoder
	stream  uint32 // the last one
}

func startH2(nc net.Conn, r *bufio.Reader) (*h2Conn, error) {
	c := &h2Conn{w: nc, r: r, dec: hpack.NewDecoder(4096, nil)}
	c.enc = hpack.NewEncoder(&c.encoded)
	if _, err := io.WriteString(nc, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"); err != nil {
		return nil, err
	}
	// Windows so wide that no response fills them.
	settings := binary.BigEndian.AppendUint32([]byte{0, h2InitialWindow}, 1<<30)
	window := binary.BigEndian.AppendUint32(nil, 1<<30)
	return c, errors.Join(c.write(h2Settings, 0, 0, settings), c.write(h2Window, 0, 0, window))
}

func (c *h2Conn) write(kind, flags byte, stream uint32, payload []byte) error {
	n := len(payload)
	frame := append([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}, binary.BigEndian.AppendUint32(nil, stream)...)
	_, err := c.w.Write(append(frame, payload...))
	return err
}

// send makes a request on the next stream. A body must fit in one frame.
func (c *h2Conn) send(req RawRequest) (RawResponse, error) {
	if len(req.Body) > h2Piece {
		return RawResponse{}, fmt.Errorf("send request: a body of %d bytes, more than %d", len(req.Body), h2Piece)
	}
	c.stream += 2
	if c.stream == 2 {
		c.stream = 1
	}
	if err := c.sendHead(req); err != nil {
		return RawResponse{}, fmt.Errorf("send request: %w", err)
	}
	if req.Body != nil {
		if err := c.write(h2Data, h2EndStream, c.stream, req.Body); err != nil {
			return RawResponse{}, fmt.Errorf("send request: %w", err)
		}
	}
	resp, err := c.receive()
	if err != nil {
		return resp, fmt.Errorf("read response: %w", err)
	}
	return resp, nil
}

func (c *h2Conn) sendHead(req RawRequest) error {
	scheme := "http"
	if _, secure := c.w.(*tls.Conn); secure {
		scheme = "https"
	}
	fields := []HeaderField{
		{":method", req.Route.Method}, {":scheme", scheme}, {":authority", req.Route.Host}, {":path", req.Path}, {idHeader, req.ID},
	}
	if req.Body != nil {
		fields = append(fields, HeaderField{"content-length", strconv.Itoa(len(req.Body))})
	}
	c.encoded.Reset()
	for _, f := range append(fields, req.Header...) {
		if err := c.enc.WriteField(hpack.HeaderField{Name: strings.ToLower(f.Name), Value: f.Value}); err != nil {
			return err
		}
	}

	kind, flags := byte(h2Headers), byte(0)
	if req.Body == nil {
		flags = h2EndStream
	}
	for {
		piece := c.encoded.Next(h2Piece)
		if c.encoded.Len() == 0 {
			flags |= h2EndHeaders
		}
		if err := c.write(kind, flags, c.stream, piece); err != nil || c.encoded.Len() == 0 {
			return err
		}
		kind, flags = h2Continuation, 0
	}
}

// receive reads frames until the stream ends.
func (c *h2Conn) receive() (RawResponse, error) {
	var resp RawResponse
	var block []byte
	ended := false
	for {
		kind, flags, payload, err := c.read()
		if err != nil {
			return resp, err
		}
		switch kind {
		case h2Settings:
			if flags&h2Ack == 0 {
				err = c.write(h2Settings, h2Ack, 0, nil)
			}
		case h2Ping:
			if flags&h2Ack == 0 {
				err = c.write(h2Ping, h2Ack, 0, payload)
			}
		case h2GoAway, h2Reset:
			return resp, fmt.Errorf("the gateway ended the stream: frame %d: %x", kind, payload)
		case h2Data:
			resp.Body = append(resp.Body, payload...)
			ended = flags&h2EndStream != 0
		case h2Headers, h2Continuation:
			block = append(block, payload...)
			ended = ended || kind == h2Headers && flags&h2EndStream != 0
			if flags&h2EndHeaders != 0 {
				err = c.fields(&resp, block)
				block = nil
			}
		}
		if err != nil || ended && block == nil {
			return resp, err
		}
	}
}

// read reads a frame and takes away its padding and priority.
func (c *h2Conn) read() (kind, flags byte, payload []byte, err error) {
	var head [9]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return 0, 0, nil, err
	}
	payload = make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	if _, err := io.ReadFull(c.r, payload); err != nil {
		return 0, 0, nil, err
	}
	kind, flags = head[3], head[4]
	if kind != h2Data && kind != h2Headers {
		return kind, flags, payload, nil
	}
	if flags&h2Padded != 0 {
		if len(payload) == 0 || int(payload[0]) >= len(payload) {
			return 0, 0, nil, errors.New("more padding than frame")
		}
		payload = payload[1 : len(payload)-int(payload[0])]
	}
	if kind == h2Headers && flags&h2Priority != 0 {
		if len(payload) < 5 {
			return 0, 0, nil, errors.New("a priority is cut short")
		}
		payload = payload[5:]
	}
	return kind, flags, payload, nil
}

// fields decodes a block of fields: the response's head, or its trailer.
func (c *h2Conn) fields(resp *RawResponse, block []byte) error {
	fields, err := c.dec.DecodeFull(block)
	if err != nil {
		return err
	}
	trailer := resp.Status != 0
	for _, f := range fields {
		switch {
		case f.Name == ":status":
			if resp.Status, err = strconv.Atoi(f.Value); err != nil {
				return err
			}
		case trailer:
			resp.Trailer = append(resp.Trailer, HeaderField{f.Name, f.Value})
		default:
			resp.Header = append(resp.Header, HeaderField{f.Name, f.Value})
		}
	}
	return nil
}
