package testrig

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
)

// Opcodes of RFC 6455, section 5.2.
const (
	wsText  = 0x1
	wsClose = 0x8
)

// maxFrame bounds what the rig's WebSocket ends accept.
const maxFrame = 1 << 20

// A frame is an unfragmented WebSocket frame.
type frame struct {
	opcode  byte
	payload []byte
}

// echo accepts the upgrade and sends each frame back until one says close.
func echo(c *nodeConn, req *nodeRequest) verdict {
	_, err := fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		acceptKey(req.wsKey))
	for err == nil {
		var f frame
		f, err = readFrame(c.r)
		if err == nil {
			err = writeFrame(c, f, false)
		}
		if f.opcode == wsClose {
			break
		}
	}
	return verdict{status: 101, outcome: Served}
}

// acceptKey derives Sec-WebSocket-Accept (RFC 6455, section 4.2.2).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func readFrame(r *bufio.Reader) (frame, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	size := uint64(head[1] & 0x7f)
	switch size {
	case 126:
		var n [2]byte
		if _, err := io.ReadFull(r, n[:]); err != nil {
			return frame{}, err
		}
		size = uint64(binary.BigEndian.Uint16(n[:]))
	case 127:
		var n [8]byte
		if _, err := io.ReadFull(r, n[:]); err != nil {
			return frame{}, err
		}
		size = binary.BigEndian.Uint64(n[:])
	}
	if size > maxFrame {
		return frame{}, fmt.Errorf("read frame: %d bytes, more than %d", size, maxFrame)
	}

	var mask [4]byte
	if head[1]&0x80 != 0 {
		if _, err := io.ReadFull(r, mask[:]); err != nil {
			return frame{}, err
		}
	}
	f := frame{opcode: head[0] & 0x0f, payload: make([]byte, size)}
	_, err := io.ReadFull(r, f.payload)
	for i := range f.payload {
		f.payload[i] ^= mask[i%4]
	}
	return f, err
}

// writeFrame writes f in one write. Clients must mask; a mask of zeros is one.
func writeFrame(w io.Writer, f frame, masked bool) error {
	out := []byte{0x80 | f.opcode}
	var bit byte
	if masked {
		bit = 0x80
	}
	switch n := len(f.payload); {
	case n < 126:
		out = append(out, bit|byte(n))
	case n < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, bit|126), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, bit|127), uint64(n))
	}
	if masked {
		out = append(out, 0, 0, 0, 0)
	}
	_, err := w.Write(append(out, f.payload...))
	return err
}
