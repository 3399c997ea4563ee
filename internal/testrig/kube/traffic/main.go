// Traffic is both ends of what a gateway carries in a test cluster.
//
//	traffic upstream ADDRESS       answers with the pod that it runs in
//	traffic load N CONNS URL...    sends N requests, and tells of each who answered, as JSON lines
package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// answer is what an upstream says of itself.
type answer struct {
	Pod string `json:"pod"`
}

// request is what became of a request.
type request struct {
	ID     string `json:"id"` // its X-Request-Id
	URL    string `json:"url"`
	Status int    `json:"status"`
	Pod    string `json:"pod"` // the upstream's
	Error  string `json:"error,omitempty"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "traffic:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "upstream":
		return http.ListenAndServe(args[1], http.HandlerFunc(serve))
	case len(args) >= 4 && args[0] == "load":
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		conns, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return load(n, conns, args[3:])
	}
	return fmt.Errorf("usage: traffic upstream ADDRESS | traffic load N CONNS URL...")
}

// serve waits first, for as many milliseconds as the query asks for.
func serve(w http.ResponseWriter, r *http.Request) {
	if ms, err := strconv.Atoi(r.URL.Query().Get("wait")); err == nil {
		time.Sleep(time.Duration(ms) * time.Millisecond)
	}
	pod, _ := os.Hostname() // a pod's host name is its own
	w.Header().Set("Content-Type", "application/json")
	if status, err := strconv.Atoi(r.URL.Query().Get("status")); err == nil {
		w.WriteHeader(status)
	}
	// The client may have gone.
	_ = json.NewEncoder(w).Encode(answer{Pod: pod})
}

func load(n, conns int, urls []string) error {
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: conns}}
	var next atomic.Int64
	var mu sync.Mutex // of stdout
	out := json.NewEncoder(os.Stdout)
	var failed error
	var wg sync.WaitGroup
	for range conns {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				r := send(client, urls[i%int64(len(urls))])
				mu.Lock()
				if err := out.Encode(r); err != nil {
					failed = err
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return failed
}

func send(client *http.Client, url string) request {
	r := request{ID: rand.Text(), URL: url}
	q, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		r.Error = err.Error()
		return r
	}
	q.Header.Set("X-Request-Id", r.ID)
	resp, err := client.Do(q)
	if err != nil {
		r.Error = err.Error()
		return r
	}
	defer resp.Body.Close()
	r.Status = resp.StatusCode
	var a answer
	// What nginx answers by itself is no JSON, and names no pod.
	_ = json.NewDecoder(resp.Body).Decode(&a)
	r.Pod = a.Pod
	return r
}
