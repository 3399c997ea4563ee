package gateway

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

// TestCheckOnLiveRequest looks for the request object of a client that has sent half
// a body, in the worker's heap, and reads it with the table's layout.
func TestCheckOnLiveRequest(t *testing.T) {
	port := freePort(t)
	n := &nginx{http: fmt.Sprintf("server { listen 127.0.0.1:%d; location / { proxy_pass http://127.0.0.1:9; } }", port)}
	target := settled(t, n.start(t), 1)
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /half?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345")

	worker := target.Workers()[0]
	mem, err := os.Open(procPath(worker, "mem"))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	read := func(addr uint64, p []byte) error {
		_, err := mem.ReadAt(p, int64(addr))
		return err
	}
	str := func(at uint64) string {
		var p [16]byte
		if read(at, p[:]) != nil {
			return ""
		}
		text := make([]byte, binary.LittleEndian.Uint64(p[:8])%4096)
		if read(binary.LittleEndian.Uint64(p[8:]), text) != nil {
			return ""
		}
		return string(text)
	}
	wrong := target.Layout
	wrong.Request.HTTPVersion += 8
	eventually(t, "the request is in the worker's heap", func() bool {
		for _, r := range signatures(t, worker, read) {
			if target.Layout.check(read, r) != nil {
				continue
			}
			if str(r+uint64(target.Layout.Request.RequestLine)) != "POST /half?x=1 HTTP/1.1" {
				continue
			}
			if wrong.check(read, r) == nil {
				t.Error("a wrong layout passed")
			}
			return true
		}
		return false
	})
}

// signatures returns the addresses in pid's private writable memory that may begin
// a request.
func signatures(t *testing.T, pid int, read func(uint64, []byte) error) []uint64 {
	t.Helper()
	maps, err := os.Open(procPath(pid, "maps"))
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Close()
	var found []uint64
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to uint64
		if !strings.Contains(lines.Text(), "[heap]") {
			continue
		}
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x", &from, &to); err != nil {
			t.Fatal(err)
		}
		image := make([]byte, to-from)
		if err := read(from, image); err != nil {
			t.Fatal(err)
		}
		for i := 0; i+8 <= len(image); i += 8 {
			if binary.LittleEndian.Uint32(image[i:]) == requestSignature {
				found = append(found, from+uint64(i))
			}
		}
	}
	return found
}
