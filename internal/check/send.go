package check

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// maxAnswer is how much of a response's body is looked at.
const maxAnswer = 1 << 20

// Sent is what a client saw of a request that it sent.
type Sent struct {
	ID     trace.TraceID // by which the gateway's side is known
	Status int           // 0 for none
	Header http.Header
	Body   []byte
	Took   time.Duration // to the last byte of the response
	Err    error         // why there is none
}

// Sender sends a plan's requests. Close it when all are sent.
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

// Send sends them all, and hands over what became of each; with each also before it is sent,
// so that its traces are known. The functions are called by one goroutine at a time.
func (s *Sender) Send(ctx context.Context, before func(trace.TraceID), after func(Sent)) {
	defer s.client.CloseIdleConnections()
	var mu sync.Mutex
	left := make(chan struct{}, s.q.Repeat)
	for range s.q.Repeat {
		left <- struct{}{}
	}
	close(left)
	var wg sync.WaitGroup
	for range min(s.q.Concurrency, s.q.Repeat) {
		wg.Go(func() {
			for range left {
				if ctx.Err() != nil {
					return
				}
				var id trace.TraceID
				rand.Read(id[:]) // never fails
				mu.Lock()
				before(id)
				mu.Unlock()
				sent := s.one(ctx, id)
				mu.Lock()
				after(sent)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func (s *Sender) one(ctx context.Context, id trace.TraceID) Sent {
	sent := Sent{ID: id}
	q, err := http.NewRequestWithContext(ctx, s.q.Method, s.q.URL, strings.NewReader(s.q.Body))
	if err != nil {
		sent.Err = err
		return sent
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
		sent.Status, sent.Header = resp.StatusCode, resp.Header
		sent.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
		}
		err = errors.Join(err, resp.Body.Close())
	}
	sent.Took, sent.Err = time.Since(began), cause(err)
	return sent
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
