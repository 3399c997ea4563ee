package testrig

import (
	"crypto/tls"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
)

// redisNode is the name of the node that speaks Redis.
const redisNode = "redis"

// runUpstreams is the upstreams process: it listens on all nodes, obeys the
// commands on in, and when in ends, which is also how it learns that the rig's
// process died, it stops the gateway and removes the rig's directory.
func runUpstreams(in io.Reader, out io.Writer) error {
	enc, dec := gob.NewEncoder(out), gob.NewDecoder(in)
	var dir string
	var rec *recorder
	heads := newHeadBook()
	defer func() { cleanUp(dir) }()
	for {
		var c command
		if err := dec.Decode(&c); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read command: %w", err)
		}

		var r reply
		switch c.Verb {
		case verbSetUp:
			dir = c.SetUp.Dir
			if c.SetUp.Record {
				rec = &recorder{}
			}
			nodes, err := setUpNodes(c.SetUp, rec, heads)
			if err != nil {
				r.Err = err.Error()
			}
			r.Nodes = nodes
		case verbRecords:
			r.Records = rec.shard(c.Shard)
		case verbReset:
			rec.reset()
		case verbAnswer:
			heads.tell(c.ID, c.Header)
		case verbReceived:
			r.Received = heads.of(c.ID)
		default:
			r.Err = "unknown command"
		}
		if err := enc.Encode(r); err != nil {
			return fmt.Errorf("reply to %s: %w", c.Verb, err)
		}
	}
}

// setUpNodes listens on every node and returns the addresses by name.
func setUpNodes(s setUp, rec *recorder, heads *headBook) (map[string]string, error) {
	host := "127.0.0.1"
	if s.Addr != "" {
		var err error
		if host, err = joinNetwork(s.Addr); err != nil {
			return nil, err
		}
	}

	var conns atomic.Uint64
	nodes := map[string]string{}
	all := behaviours()
	all[headersNode] = heads.serve
	for name, behave := range all {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return nil, fmt.Errorf("listen for node %s: %w", name, err)
		}
		nodes[name] = l.Addr().String()
		if name == "https" {
			if l, err = overTLS(l); err != nil {
				return nil, fmt.Errorf("listen for node %s: %w", name, err)
			}
		}
		n := &node{name: name, behave: behave, records: rec, conns: &conns, fields: name == headersNode}
		go n.serve(l)
	}

	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("listen for redis: %w", err)
	}
	nodes[redisNode] = l.Addr().String()
	redis := &redisServer{records: rec, conns: &conns, values: map[string]string{}}
	go redis.serve(l)

	if l, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err != nil {
		return nil, fmt.Errorf("listen for grpc: %w", err)
	}
	nodes[grpcNode] = l.Addr().String()
	go (&grpcServer{records: rec, conns: &conns}).serve(l)

	for _, name := range []string{"refused", "refused-2"} {
		if nodes[name], err = reserve(host); err != nil {
			return nil, fmt.Errorf("reserve node %s: %w", name, err)
		}
	}
	return nodes, nil
}

// behaviours lists the HTTP nodes.
func behaviours() map[string]behaviour {
	orders := func(name string) behaviour {
		return answer(200, "OK", "", `{"node":"`+name+`","order":8812,"state":"paid","items":[{"sku":"a-17","count":2},{"sku":"c-03","count":1}]}`+"\n")
	}
	return map[string]behaviour{
		"orders-1":  orders("orders-1"),
		"orders-2":  orders("orders-2"),
		"orders-3":  orders("orders-3"),
		"mirror":    answer(200, "OK", "", "{}\n"),
		"auth":      answer(200, "OK", "X-User: alice\r\n", "{}\n"),
		"opa":       answer(200, "OK", "", `{"result":{"allow":true}}`+"\n"),
		"openid":    answer(200, "OK", "", `{"active":true}`+"\n"),
		"collector": answer(200, "OK", "", "{}\n"),
		"https":     answer(200, "OK", "", `{"balance":1200}`+"\n"),
		"error":     answer(500, "Internal Server Error", "", `{"error":"database is down"}`+"\n"),
		"large":     large(),
		"stale":     staleAfterFirst(answer(200, "OK", "", "{}\n")),
		"reset":     reset,
		"hung":      hang,
		"closed":    shut,
		"http10":    http10,
		"stream":    stream,
		"websocket": echo,
	}
}

// overTLS serves l with a certificate of its own.
func overTLS(l net.Listener) (net.Listener, error) {
	certPEM, keyPEM, err := selfSigned()
	if err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("load certificate: %w", err)
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}}), nil
}

// reserve binds a port and does not listen on it: connections are refused, and
// nobody else can take the port while this process lives.
func reserve(host string) (string, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", os.NewSyscallError("socket", err)
	}
	addr := &syscall.SockaddrInet4{Addr: [4]byte(net.ParseIP(host).To4())}
	if err := syscall.Bind(fd, addr); err != nil {
		return "", os.NewSyscallError("bind", err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		return "", os.NewSyscallError("getsockname", err)
	}
	port := bound.(*syscall.SockaddrInet4).Port
	return net.JoinHostPort(host, fmt.Sprint(port)), nil
}
