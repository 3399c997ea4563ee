package trace_test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/trace"
)

// dice are the bytes that decide; after the last of them all is zero.
type dice []byte

func (d *dice) roll(n int) int {
	if len(*d) == 0 || n <= 0 {
		return 0
	}
	b := (*d)[0]
	*d = (*d)[1:]
	return int(b) % n
}

// A play is a story by chance, and what is true of it: which path asked which socket, by the
// sequence number of the first byte.
type play struct {
	*story
	clients []*player
	idle    []*socket // of nodes
	asked   map[uint32]string
	calls   map[string]int // attempts of each path
	ended   int
}

// A player is a client, with the request that it has under way.
type player struct {
	*socket
	path     string
	node     *socket
	attempts []trace.UpstreamState
}

const maxSockets = 900 // sequence numbers stay unique

func playOf(t testing.TB, d *dice, probes bool) *play {
	p := &play{story: newStory(t, probes), asked: map[uint32]string{}, calls: map[string]int{}}
	p.a = trace.NewAssembler(&cmd.Heads{}, p.show)
	for us := 0; len(*d) > 0 && len(p.sockets) < maxSockets; {
		us += d.roll(200)
		p.at(us)
		if len(p.clients) == 0 || d.roll(8) == 0 {
			p.clients = append(p.clients, &player{socket: p.accepts(aClient)})
			continue
		}
		p.step(d, p.clients[d.roll(len(p.clients))])
	}
	for _, c := range p.clients { // all requests end
		if c.path != "" {
			p.ask(d, c)
			p.hear(c)
		}
	}
	return p
}

// step does something for client c.
func (p *play) step(d *dice, c *player) {
	switch what := d.roll(8); {
	case what == 0:
		p.sweep()
	case what == 1:
		p.tick(int(p.now.Sub(p.began).Microseconds()))
	case c.path == "" && what == 2 && len(p.clients) > 1:
		c.closes()
		p.clients = slices.DeleteFunc(p.clients, func(o *player) bool { return o == c })
	case c.path == "":
		c.path = fmt.Sprintf("/%d", len(p.calls))
		p.calls[c.path] = 0
		c.request = uint64(1+d.roll(3)) << 32
		p.tick(int(p.now.Sub(p.began).Microseconds()))
		c.reads(lines("GET "+c.path+" HTTP/1.1", "Host: shop.example"))
	case c.node == nil:
		p.ask(d, c)
	case what == 2:
		p.fail(d, c)
	default:
		p.hear(c)
	}
}

// ask begins an attempt for c, on a new or an idle connection, unless one is under way.
func (p *play) ask(d *dice, c *player) {
	if c.node != nil {
		return
	}
	if p.probes {
		p.by(c.socket, []trace.OwnerHow{trace.OwnerUpstream, trace.OwnerPeer}[d.roll(2)])
	} else {
		p.current = trace.Owner{Socket: c.conn.Socket, Exchange: c.exchange}
	}
	if len(p.idle) > 0 && d.roll(2) == 0 {
		c.node, p.idle = p.idle[0], p.idle[1:]
	} else {
		c.node = p.connects(node1)
		c.node.established()
	}
	p.asked[c.node.base+uint32(c.node.sent)] = c.path
	p.calls[c.path]++
	c.node.writes(lines("GET "+c.path+" HTTP/1.1", "Host: shop.example"))
}

// fail ends c's attempt.
func (p *play) fail(d *dice, c *player) {
	switch d.roll(3) {
	case 0:
		c.node.fails(syscall.ECONNRESET)
	case 1:
		c.node.peerCloses()
	}
	c.node.closes()
	c.node = nil
	c.attempts = append(c.attempts, state(node1, 502, 0, -1, 0))
}

// hear ends c's attempt and its request well.
func (p *play) hear(c *player) {
	p.tick(int(p.now.Sub(p.began).Microseconds()) + 1)
	c.node.reads(ok)
	c.writes(ok)
	if p.probes {
		p.ends(c.socket, get(c.path, 200, append(c.attempts, state(node1, 200, 0, 0, 0))...))
	}
	p.ended++
	p.idle = append(p.idle, c.node)
	c.path, c.node, c.attempts = "", nil, nil
}

// check proves that each request is shown once, with all of its attempts and no other's.
func (p *play) check() {
	p.t.Helper()
	shown := map[string]int{}
	for i := range p.shown {
		x := &p.shown[i]
		shown[x.Path]++
		for j := range x.Spans {
			if s := &x.Spans[j]; s.Attempt >= 0 && p.asked[s.TCPSeq] != x.Path {
				p.t.Errorf("%s has an attempt that was made for %q", x.Path, p.asked[s.TCPSeq])
			}
		}
		if want := p.calls[x.Path]; len(x.Attempts) != min(want, 1<<10) {
			p.t.Errorf("%s is shown with %d attempts of %d", x.Path, len(x.Attempts), want)
		}
	}
	for path, n := range shown {
		if n > 1 {
			p.t.Errorf("%s is shown %d times", path, n)
		}
	}
	if len(p.shown) != p.ended {
		p.t.Errorf("%d have ended, %d are shown", p.ended, len(p.shown))
	}
}

// TestByChance plays many games, and must be right about every one.
func TestByChance(t *testing.T) {
	for seed := range 200 {
		for _, probes := range []bool{true, false} {
			d := make(dice, 1000)
			for i, x := 0, uint64(seed)*2+1; i < len(d); i++ {
				x = x*6364136223846793005 + 1442695040888963407
				d[i] = byte(x >> 33)
			}
			p := playOf(t, &d, probes)
			p.now = p.now.Add(time.Second)
			p.sweep()
			p.check()
			p.end()
			if t.Failed() {
				t.Fatalf("seed %d, probes %v", seed, probes)
			}
		}
	}
}
