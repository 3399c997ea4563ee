package testrig

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"time"
)

// answer serves the same status and body every time, so it builds the bytes
// once. It honours HEAD and If-None-Match.
func answer(status int, reason, header, body string) behaviour {
	head := fmt.Sprintf("HTTP/1.1 %d %s\r\nServer: rig\r\nContent-Type: application/json\r\nETag: %s\r\n%sContent-Length: %d\r\n\r\n",
		status, reason, rigETag, header, len(body))
	whole, headOnly := []byte(head+body), []byte(head)
	unchanged := []byte("HTTP/1.1 304 Not Modified\r\nServer: rig\r\nETag: " + rigETag + "\r\n\r\n")
	return func(c *nodeConn, req *nodeRequest) verdict {
		v := verdict{status: status, outcome: Served}
		out := whole
		switch {
		case req.etag == rigETag:
			out, v.status = unchanged, 304
		case req.method == "HEAD":
			out = headOnly
		}
		_, err := c.Write(out)
		v.keep = err == nil
		return v
	}
}

// rigETag is the entity tag of every body that answer serves.
const rigETag = `"rig"`

// reset makes the kernel send RST: the linger time of zero throws the
// connection away instead of closing it.
func reset(c *nodeConn, _ *nodeRequest) verdict {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.Close()
	return verdict{outcome: Reset}
}

// hang waits until the gateway gives up.
func hang(c *nodeConn, _ *nodeRequest) verdict {
	io.Copy(io.Discard, c.r)
	return verdict{outcome: Hung}
}

// shut closes the connection without an answer.
func shut(c *nodeConn, _ *nodeRequest) verdict {
	c.Close()
	return verdict{outcome: Shut}
}

// staleAfterFirst answers the first request of a connection and closes the
// connection at the second, as a server does whose idle timeout just ended.
func staleAfterFirst(first behaviour) behaviour {
	return func(c *nodeConn, req *nodeRequest) verdict {
		if c.seq > 1 {
			return shut(c, req)
		}
		return first(c, req)
	}
}

// http10 ends its body by closing the connection.
func http10(c *nodeConn, _ *nodeRequest) verdict {
	io.WriteString(c, "HTTP/1.0 200 OK\r\nServer: rig\r\nContent-Type: text/plain\r\n\r\nno length, no chunks\n")
	return verdict{status: 200, outcome: Served}
}

// large answers with a body of largeBody bytes.
func large() behaviour {
	return answer(200, "OK", "", string(bytes.Repeat([]byte("0123456789abcde\n"), largeBody/16)))
}

// stream sends five chunks, each in a segment of its own.
func stream(c *nodeConn, _ *nodeRequest) verdict {
	const chunk = "data: tick\n\n"
	v := verdict{status: 200, outcome: Served}
	_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nServer: rig\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
	for range 5 {
		if err != nil {
			return v
		}
		time.Sleep(3 * time.Millisecond)
		_, err = fmt.Fprintf(c, "%x\r\n%s\r\n", len(chunk), chunk)
	}
	if err == nil {
		_, err = io.WriteString(c, "0\r\n\r\n")
	}
	v.keep = err == nil
	return v
}
