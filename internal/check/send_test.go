package check

import (
	"context"
	"encoding/hex"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// answers sends a request of a plan, and returns what came of it by trace id.
func answers(t *testing.T, ctx context.Context, q Request, over time.Time) map[trace.TraceID]*Answer {
	t.Helper()
	q.Method, q.Repeat, q.Concurrency = "GET", max(q.Repeat, 1), max(q.Concurrency, 1)
	if q.Timeout == 0 {
		q.Timeout = 10 * time.Second
	}
	s, err := NewSender(&q)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	all := map[trace.TraceID]*Answer{}
	s.Send(ctx, over, func(id trace.TraceID) {
		mu.Lock()
		defer mu.Unlock()
		if _, twice := all[id]; twice {
			t.Errorf("%x is sent twice", id)
		}
		all[id] = nil
	}, func(id trace.TraceID, a *Answer) {
		mu.Lock()
		defer mu.Unlock()
		all[id] = a
	})
	return all
}

func soon() time.Time { return time.Now().Add(time.Minute) }

// TestSendIdentity has the server see each trace id once, and never more at a time than asked.
func TestSendIdentity(t *testing.T) {
	var mu sync.Mutex
	got := map[string]int{}
	var now, most atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer now.Add(-1)
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		mu.Lock()
		got[r.Header.Get("traceparent")]++
		mu.Unlock()
		time.Sleep(time.Millisecond)
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer server.Close()
	all := answers(t, t.Context(), Request{URL: server.URL, Repeat: 200, Concurrency: 7}, soon())
	if len(all) != 200 || len(got) != 200 || most.Load() > 7 || most.Load() < 2 {
		t.Errorf("%d are sent, %d have come, %d at a time", len(all), len(got), most.Load())
	}
	for id, a := range all {
		parent := "00-" + hex.EncodeToString(id[:]) + "-" + hex.EncodeToString(id[8:]) + "-00"
		if got[parent] != 1 || a.Status != http.StatusFound || a.Err != nil || a.Took <= 0 {
			t.Errorf("%s: %d times, %+v", parent, got[parent], a)
		}
	}
}

// TestSendLimits has a request hang: in time, at the end of the time, and at the user's end.
func TestSendLimits(t *testing.T) {
	release := make(chan struct{})
	came := make(chan struct{}, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		came <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(release)
	for _, a := range answers(t, t.Context(), Request{URL: server.URL, Timeout: 50 * time.Millisecond}, soon()) {
		if a.Err == nil || a.Err.Error() != "it was not answered within 50.0ms" || a.Void || a.Status != 0 {
			t.Errorf("a timeout: %+v", a)
		}
	}
	if all := answers(t, t.Context(), Request{URL: server.URL, Repeat: 5, Timeout: 50 * time.Millisecond}, time.Now().Add(20*time.Millisecond)); len(all) != 1 {
		t.Errorf("%d are sent although the time was over after the first", len(all))
	}
	for len(came) > 0 {
		<-came
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-came
		cancel()
	}()
	all := answers(t, ctx, Request{URL: server.URL, Repeat: 5}, soon())
	for _, a := range all {
		if !a.Void || len(all) != 1 {
			t.Errorf("interrupted: %d are sent, %+v", len(all), a)
		}
	}
}

// TestSendTLS has a certificate that nobody knows, any that will do, and one that is known.
func TestSendTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		q    Request
		want string // of the error; "" for none
	}{
		"unknown":      {Request{}, "unknown authority"},
		"insecure":     {Request{Insecure: true}, ""},
		"known":        {Request{CAFile: ca}, ""},
		"by name":      {Request{CAFile: ca, ServerName: "example.com"}, ""},
		"another name": {Request{CAFile: ca, ServerName: "shop.test"}, "not shop.test"},
	} {
		c.q.URL = server.URL + "/?apikey=sesame"
		for _, a := range answers(t, t.Context(), c.q, soon()) {
			switch {
			case c.want == "" && (a.Err != nil || string(a.Body) != "HTTP/2.0"):
				t.Errorf("%s: %v, %s", name, a.Err, a.Body)
			case c.want != "" && (a.Err == nil || !strings.Contains(a.Err.Error(), c.want) || strings.Contains(a.Err.Error(), "sesame")):
				t.Errorf("%s: %v, want %q", name, a.Err, c.want)
			}
		}
	}
	wrong := filepath.Join(t.TempDir(), "none.pem")
	if err := os.WriteFile(wrong, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewSender(&Request{CAFile: wrong}); err == nil || !strings.Contains(err.Error(), "there is no certificate in it") {
		t.Errorf("no certificate: %v", err)
	}
}
