package testrig

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"text/template"
	"time"
)

// A ProfileRig is a gateway whose work is known: functions of every kind that there is on
// a Lua stack, in lua/profile, each of which writes down the CPU time that it has used.
// It has no upstreams.
type ProfileRig struct {
	*Rig
	client *http.Client
}

// StartProfile starts a profile rig. Of o, Workers, Dir, Binary and ListenAddr count.
func StartProfile(ctx context.Context, o Options) (*ProfileRig, error) {
	p := &ProfileRig{client: newProfileClient()}
	o = Options{Workers: o.Workers, Dir: o.Dir, Binary: o.Binary, ListenAddr: o.ListenAddr}
	var err error
	// Upstreams serve nobody here, but end the gateway if this process dies.
	p.Rig, err = begin(ctx, o, func(ctx context.Context, r *Rig) error {
		p.Rig = r
		return r.start(ctx, p.startGateway)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// StartProfileT is StartProfile for a test, which it skips where there is no nginx.
func StartProfileT(t TB, o Options) *ProfileRig {
	t.Helper()
	return startT(t, o, StartProfile)
}

func (r *ProfileRig) startGateway(ctx context.Context) error {
	if err := r.writeLua(r.Nodes()); err != nil {
		return err
	}
	return r.runOnFreePorts(ctx, r.writeConf)
}

func (r *ProfileRig) writeConf() error {
	if err := r.conf.write(); err != nil { // for its certificate
		return err
	}
	t, err := template.ParseFS(confFiles, "conf/*.tmpl")
	if err != nil {
		return fmt.Errorf("read profile.conf template: %w", err)
	}
	var conf bytes.Buffer
	if err := t.ExecuteTemplate(&conf, "profile.conf.tmpl", r.conf); err != nil {
		return fmt.Errorf("render profile.conf: %w", err)
	}
	return os.WriteFile(filepath.Join(r.dir, "nginx.conf"), conf.Bytes(), 0o600)
}

func newProfileClient() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		MaxIdleConnsPerHost: 64,
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: true}, // the rig's own certificate
	}}
}

// Get asks the gateway for a path and returns the body.
func (r *ProfileRig) Get(ctx context.Context, path string) (string, error) {
	return r.get(ctx, "http://"+r.Addr()+path)
}

func (r *ProfileRig) get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("traceparent", "00-"+profileTrace(req.URL.Query().Get("route"))+"-00f067aa0ba902b7-01")
	resp, err := r.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("get %s: %w", url, err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("get %s: %s", url, resp.Status)
	}
	return string(body), nil
}

// Load asks for the paths in turn, on so many connections, until ctx is done or one fails. It
// returns how many were answered.
func (r *ProfileRig) Load(ctx context.Context, conns int, paths ...string) (int, error) {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		total int
		first error
	)
	for c := range conns {
		wg.Go(func() {
			n := 0
			var err error
			for i := c; ctx.Err() == nil && err == nil; i++ {
				if _, err = r.Get(ctx, paths[i%len(paths)]); err == nil {
					n++
				}
			}
			mu.Lock()
			defer mu.Unlock()
			total += n
			if ctx.Err() == nil && first == nil {
				first = err
			}
		})
	}
	wg.Wait()
	return total, first
}

// Handshakes opens TLS connections one after the other, so many at a time, until ctx is done.
func (r *ProfileRig) Handshakes(ctx context.Context, conns int) (int, error) {
	client := newProfileClient()
	client.Transport.(*http.Transport).DisableKeepAlives = true
	tlsRig := &ProfileRig{Rig: r.Rig, client: client}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		total int
		first error
	)
	for range conns {
		wg.Go(func() {
			for ctx.Err() == nil {
				_, err := tlsRig.get(ctx, "https://"+r.TLSAddr()+"/light")
				mu.Lock()
				if err == nil {
					total++
				} else if ctx.Err() == nil && first == nil {
					first = err
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return total, first
}

// ResetTruth forgets what was written down so far.
func (r *ProfileRig) ResetTruth(ctx context.Context) error {
	// Other workers keep their part for a tenth of a second.
	select {
	case <-time.After(250 * time.Millisecond):
	case <-ctx.Done():
		return ctx.Err()
	}
	_, err := r.Get(ctx, "/reset")
	return err
}

// Truth returns the CPU time that was used since the last ResetTruth, by name.
func (r *ProfileRig) Truth(ctx context.Context) (map[string]time.Duration, error) {
	select {
	case <-time.After(250 * time.Millisecond):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	body, err := r.Get(ctx, "/truth")
	if err != nil {
		return nil, err
	}
	spent := map[string]time.Duration{}
	for line := range strings.Lines(body) {
		name, ns, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(ns, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read truth: %w", err)
		}
		spent[name] = time.Duration(n)
	}
	return spent, nil
}
