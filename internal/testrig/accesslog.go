package testrig

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// An AccessLine is one line of the gateway's access log.
type AccessLine struct {
	ID            string // X-Rig-Id; "" when the client sent none
	Time          time.Time
	Worker        int   // pid
	ClientPort    int   // the client's end of the connection
	Connection    int64 // nginx's number of it
	ConnectionSeq int   // the request's number on it, from 1
	Host          string
	Request       string // the request line; nginx writes odd bytes as \xXX
	Status        int
	BytesSent     int64
	RequestTime   time.Duration
	Attempts      []AccessAttempt
}

// An AccessAttempt is one upstream attempt of an AccessLine. Times that nginx
// leaves out ("-") are negative.
type AccessAttempt struct {
	Addr         string
	Status       int
	ConnectTime  time.Duration
	HeaderTime   time.Duration
	ResponseTime time.Duration
}

// accessFields is the number of fields of log_format in conf/nginx.conf.tmpl.
const accessFields = 16

// AccessLog reads the access log. nginx writes a line after the client has its
// answer, and up to a second later with Options.BufferLog.
func (r *Rig) AccessLog() ([]AccessLine, error) {
	rows, err := r.logLines(accessLog)
	if err != nil {
		return nil, err
	}
	lines := make([]AccessLine, len(rows))
	for i, row := range rows {
		if lines[i], err = parseAccessLine(row); err != nil {
			return nil, fmt.Errorf("read %s, line %d: %w", accessLog, i+1, err)
		}
	}
	return lines, nil
}

// WaitAccessLog waits until the log has at least n lines, and reads it.
func (r *Rig) WaitAccessLog(ctx context.Context, n int) ([]AccessLine, error) {
	if err := r.waitLog(ctx, accessLog, n); err != nil {
		return nil, err
	}
	return r.AccessLog()
}

func parseAccessLine(row string) (AccessLine, error) {
	f := strings.Split(row, "\t")
	if len(f) != accessFields {
		return AccessLine{}, fmt.Errorf("want %d fields, got %d: %q", accessFields, len(f), row)
	}
	p := numbers{}
	line := AccessLine{
		ID:            dash(f[0]),
		Time:          time.Unix(0, 0).Add(p.seconds(f[1])),
		Worker:        int(p.integer(f[2])),
		ClientPort:    int(p.integer(f[3])),
		Connection:    p.integer(f[4]),
		ConnectionSeq: int(p.integer(f[5])),
		Host:          f[6],
		Request:       f[7],
		Status:        int(p.integer(f[8])),
		BytesSent:     p.integer(f[9]),
		RequestTime:   p.seconds(f[10]),
	}
	if f[11] != "-" {
		line.Attempts = p.attempts(f[11:])
	}
	return line, p.err
}

// numbers parses fields and keeps the first error.
type numbers struct{ err error }

func (p *numbers) integer(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	p.keep(err)
	return n
}

func (p *numbers) seconds(s string) time.Duration {
	if s == "-" {
		return -1
	}
	// nginx writes milliseconds: parsing the digits keeps them exact.
	ms, err := strconv.ParseInt(strings.Replace(s, ".", "", 1), 10, 64)
	p.keep(err)
	return time.Duration(ms) * time.Millisecond
}

// attempts zips addresses, statuses and the three times.
func (p *numbers) attempts(f []string) []AccessAttempt {
	addrs := perAttempt(f[0])
	columns := make([][]string, 4)
	for i := range columns {
		columns[i] = perAttempt(f[1+i])
		if len(columns[i]) != len(addrs) {
			p.keep(fmt.Errorf("%d upstream addresses in %q but %q", len(addrs), f[0], f[1+i]))
			return nil
		}
	}
	all := make([]AccessAttempt, len(addrs))
	for i, addr := range addrs {
		a := AccessAttempt{
			Addr:        addr,
			ConnectTime: p.seconds(columns[1][i]), HeaderTime: p.seconds(columns[2][i]), ResponseTime: p.seconds(columns[3][i]),
		}
		if columns[0][i] != "-" {
			a.Status = int(p.integer(columns[0][i]))
		}
		all[i] = a
	}
	return all
}

func (p *numbers) keep(err error) {
	if p.err == nil {
		p.err = err
	}
}

// perAttempt splits nginx's list: ", " between attempts, " : " between the
// upstreams that an internal redirect went through.
func perAttempt(s string) []string {
	return strings.Split(strings.ReplaceAll(s, " : ", ", "), ", ")
}

// dash turns nginx's mark for nothing into nothing.
func dash(s string) string {
	if s == "-" {
		return ""
	}
	return s
}
