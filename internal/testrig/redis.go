package testrig

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A redisServer speaks RESP and knows PING, INCR, GET and SET.
type redisServer struct {
	records *recorder
	conns   *atomic.Uint64

	mu     sync.Mutex
	values map[string]string
}

func (s *redisServer) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		go s.serveConn(c)
	}
}

func (s *redisServer) serveConn(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	number := s.conns.Add(1)
	local, remote := c.LocalAddr().String(), c.RemoteAddr().String()
	for seq := 1; ; seq++ {
		if _, err := r.Peek(1); err != nil {
			return
		}
		start := time.Now()
		words, err := readCommand(r)
		if err != nil {
			return
		}
		if _, err := io.WriteString(c, s.reply(words)); err != nil {
			return
		}
		var key string
		if len(words) > 1 {
			key = words[1]
		}
		s.records.add(number, Record{
			ID: key[strings.LastIndexByte(key, ':')+1:], Node: redisNode,
			LocalAddr: local, RemoteAddr: remote, ConnSeq: seq,
			Start: start.UnixNano(), End: time.Now().UnixNano(),
			Method: words[0], Path: key, Outcome: Served,
		})
	}
}

// reply runs a command and returns the RESP answer.
func (s *redisServer) reply(words []string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch name := strings.ToUpper(words[0]); {
	case name == "PING":
		return "+PONG\r\n"
	case name == "INCR" && len(words) == 2:
		n, _ := strconv.Atoi(s.values[words[1]])
		s.values[words[1]] = strconv.Itoa(n + 1)
		return fmt.Sprintf(":%d\r\n", n+1)
	case name == "SET" && len(words) == 3:
		s.values[words[1]] = words[2]
		return "+OK\r\n"
	case name == "GET" && len(words) == 2:
		if v, ok := s.values[words[1]]; ok {
			return fmt.Sprintf("$%d\r\n%s\r\n", len(v), v)
		}
		return "$-1\r\n"
	}
	return "-ERR unknown command\r\n"
}

// maxWords and maxWord bound a command.
const (
	maxWords = 16
	maxWord  = 64 << 10
)

// readCommand reads an array of bulk strings; it has at least one.
func readCommand(r *bufio.Reader) ([]string, error) {
	n, err := readCount(r, '*', maxWords)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errors.New("read command: empty")
	}
	words := make([]string, n)
	for i := range words {
		size, err := readCount(r, '$', maxWord)
		if err != nil {
			return nil, err
		}
		buf := make([]byte, size+len("\r\n"))
		if _, err := io.ReadFull(r, buf); err != nil {
			return nil, err
		}
		words[i] = string(buf[:size])
	}
	return words, nil
}

func readCount(r *bufio.Reader, mark byte, limit int) (int, error) {
	line, err := readLine(r)
	if err != nil {
		return 0, err
	}
	if len(line) < 2 || line[0] != mark {
		return 0, fmt.Errorf("read command: want %q, got %q", mark, line)
	}
	n, err := strconv.Atoi(string(line[1:]))
	if err != nil || n < 0 || n > limit {
		return 0, fmt.Errorf("read command: bad count %q", line)
	}
	return n, nil
}
