package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"
)

// A traced is what the benchmarks read of one request that apisixscope printed.
type traced struct {
	Start             time.Time     `json:"start"`
	Duration          time.Duration `json:"duration_ns"`
	Method            string        `json:"http.request.method"`
	Path              string        `json:"url.path"`
	Query             string        `json:"url.query"`
	Version           string        `json:"network.protocol.version"`
	Status            int           `json:"http.response.status_code"`
	Client            string        `json:"client.address"`
	ClientPort        int           `json:"client.port"`
	GatewayPort       uint16        `json:"network.local.port"`
	PID               int           `json:"process.pid"`
	ConnectionRequest int           `json:"connection_request"`
	Attempts          []attempt     `json:"attempts"`
	Spans             []span        `json:"spans"`

	raw string // the whole line, where it is kept
}

// An attempt is one of a request's attempts, as printed.
type attempt struct {
	endpoints
	Start      time.Time      `json:"start"`
	Duration   *time.Duration `json:"duration_ns"`
	Confidence string         `json:"confidence"`
}

// A span is one of a request's spans, as printed.
type span struct {
	Role       string         `json:"role"`
	Start      time.Time      `json:"start"`
	Duration   *time.Duration `json:"duration_ns"`
	Confidence string         `json:"confidence"`
	Attributes endpoints      `json:"attributes"`
}

// endpoints are both ends of a connection to a node.
type endpoints struct {
	Peer      string `json:"network.peer.address"`
	PeerPort  uint16 `json:"network.peer.port"`
	Local     string `json:"network.local.address"`
	LocalPort uint16 `json:"network.local.port"`
}

// A summary is the last line of the output.
type summary struct {
	Seen  uint64            `json:"seen"`
	Shown uint64            `json:"shown"`
	Lost  map[string]uint64 `json:"lost"`
	Notes []string          `json:"notes"`
}

// end is when the last byte of the response was sent.
func (x *traced) end() time.Time { return x.Start.Add(x.Duration) }

// node and local are the two ends; invalid where they were not printed.
func (e endpoints) node() netip.AddrPort  { return addrPort(e.Peer, e.PeerPort) }
func (e endpoints) local() netip.AddrPort { return addrPort(e.Local, e.LocalPort) }

func addrPort(addr string, port uint16) netip.AddrPort {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ip, port)
}

// readOutput reads the file that apisixscope wrote with -o json; each is called for each
// request with the line it came from, which is valid during the call.
func readOutput(path string, each func(*traced, []byte)) (summary, error) {
	f, err := os.Open(path)
	if err != nil {
		return summary{}, err
	}
	defer f.Close()
	sum, err := readLines(bufio.NewReaderSize(f, 1<<20), each)
	if err != nil {
		return sum, fmt.Errorf("read output %s: %w", path, err)
	}
	return sum, nil
}

func readLines(r *bufio.Reader, each func(*traced, []byte)) (summary, error) {
	var sum *summary
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		if err != nil {
			return summary{}, fmt.Errorf("line %d: %w", n, err)
		}
		if sum != nil {
			return summary{}, fmt.Errorf("line %d: more after the summary", n)
		}
		if bytes.HasPrefix(line, []byte(`{"type":"summary"`)) {
			sum = &summary{}
			if err := json.Unmarshal(line, sum); err != nil {
				return summary{}, fmt.Errorf("line %d: %w", n, err)
			}
			continue
		}
		var x traced
		if err := json.Unmarshal(line, &x); err != nil {
			return summary{}, fmt.Errorf("line %d: %w: %.200q", n, err, line)
		}
		each(&x, line)
	}
	if sum == nil {
		return summary{}, errors.New("no summary at the end")
	}
	return *sum, nil
}
