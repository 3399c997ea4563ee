package check

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// maxAnswer is how much of a response's body is looked at.
const maxAnswer = 1 << 20

// An Answer is what a client got for a request that it sent.
type Answer struct {
	Status int // 0 for none
	Header http.Header
	Body   []byte        // the first of it, up to 1 MiB
	Took   time.Duration // to the last byte of the response
	Err    error         // why there is none; it names no URL
	Void   bool          // the client gave up, for the run has ended
}

// A Sender sends a request of a plan.
type Sender struct {
	client *http.Client
	q      *Request
}

// NewSender returns what sends q as often as it is to be sent.
func NewSender(q *Request) (*Sender, error) {
	t := &http.Transport{
		MaxIdleConnsPerHost: q.Concurrency, Proxy: nil, DisableCompression: true, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: q.Insecure, ServerName: q.ServerName},
	}
	if q.CAFile != "" {
		pem, err := os.ReadFile(q.CAFile)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read %s: there is no certificate in it", q.CAFile)
		}
	}
	return &Sender{q: q, client: &http.Client{
		Transport: t, Timeout: q.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Send sends the request as often as it is to be sent, but none after the time is over, and
// returns when all are answered. It calls before with each one's trace id, by which the
// gateway's side is known, and after with what came of it. Both may be called by several
// goroutines.
func (s *Sender) Send(ctx context.Context, over time.Time, before func(trace.TraceID), after func(trace.TraceID, *Answer)) {
	defer s.client.CloseIdleConnections()
	var left atomic.Int64
	left.Store(int64(s.q.Repeat))
	var wg sync.WaitGroup
	for range min(s.q.Concurrency, s.q.Repeat) {
		wg.Go(func() {
			for left.Add(-1) >= 0 && ctx.Err() == nil && time.Now().Before(over) {
				var id trace.TraceID
				rand.Read(id[:]) // never fails
				before(id)
				after(id, s.one(ctx, id))
			}
		})
	}
	wg.Wait()
}

func (s *Sender) one(ctx context.Context, id trace.TraceID) *Answer {
	a := &Answer{}
	q, err := http.NewRequestWithContext(ctx, s.q.Method, s.q.URL, strings.NewReader(s.q.Body))
	if err != nil {
		a.Err = cause(err)
		return a
	}
	for name, value := range s.q.Headers {
		q.Header.Set(name, value)
	}
	if s.q.Host != "" {
		q.Host = s.q.Host
	}
	// W3C Trace Context: not sampled, so that no tracing plugin keeps it for our sake.
	q.Header.Set("traceparent", fmt.Sprintf("00-%x-%x-00", id, id[8:]))
	began := time.Now()
	resp, err := s.client.Do(q)
	if err == nil {
		a.Status, a.Header = resp.StatusCode, resp.Header
		a.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
		}
		err = errors.Join(err, resp.Body.Close())
	}
	a.Took, a.Err, a.Void = time.Since(began), cause(err), err != nil && ctx.Err() != nil
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() && a.Took >= s.q.Timeout {
		a.Err = fmt.Errorf("it was not answered within %s", text.Duration(s.q.Timeout))
	}
	return a
}

// cause is what went wrong, without the URL: it may hold a secret.
func cause(err error) error {
	for err != nil {
		below := errors.Unwrap(err)
		if below == nil || !strings.Contains(err.Error(), "://") {
			break
		}
		err = below
	}
	return err
}
