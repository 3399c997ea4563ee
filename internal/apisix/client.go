package apisix

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/internal/hint"
)

const (
	// usualTimeout is for one call, from its first byte to its last.
	usualTimeout = 5 * time.Second
	// maxAnswer is what a call reads at most: 2.x has no pages, so a list may be long.
	maxAnswer = 32 << 20
)

// Key is the secret of the Admin API. It shows itself to nobody who prints it.
type Key string

func (Key) String() string       { return "(hidden)" }
func (Key) GoString() string     { return "(hidden)" }
func (Key) LogValue() slog.Value { return slog.StringValue("(hidden)") }

// Options say where an API is, and how to reach it.
type Options struct {
	URL     string // such as http://127.0.0.1:9180; without a path, the Admin API's usual one
	Key     Key
	KeyFrom string      // where the key is from, for an error's remedy
	TLS     *tls.Config // nil for the system's
	Timeout time.Duration
	Dial    Dial         // nil for the usual way
	Log     *slog.Logger // nil for none
}

// A Client asks one API. It may be used by several goroutines.
type Client struct {
	base     *url.URL
	key      Key
	keyFrom  string
	timeout  time.Duration
	limit    int64
	pageSize int
	notAPI   string // the remedy for an answer of something else
	listens  string // what in the configuration says where the API is
	http     *http.Client
	log      *slog.Logger
	whole    whole
}

// New returns a client of the Admin API; nothing is sent yet. An address that is none is misuse.
func New(o Options) (*Client, error) { return newClient(o, "/apisix/admin") }

func newClient(o Options, path string) (*Client, error) {
	base, err := parseURL(o.URL, path)
	if err != nil {
		return nil, hint.Misuse(err)
	}
	c := &Client{
		base: base, key: o.Key, keyFrom: o.KeyFrom, timeout: o.Timeout, limit: maxAnswer, pageSize: pageSize,
		notAPI: notAdmin, listens: "deployment.admin.admin_listen", log: o.Log,
	}
	if c.timeout <= 0 {
		c.timeout = usualTimeout
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	dial := o.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	c.http = &http.Client{
		// No proxy: the key is for the API alone. The same holds for redirects.
		Transport: &http.Transport{
			DialContext: dial, TLSClientConfig: o.TLS,
			MaxIdleConns: 4, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// URL is the address that is asked.
func (c *Client) URL() string { return c.base.String() }

// parseURL reads what users write for an address: with a scheme or not, with a path or not.
// The error does not repeat it, for it may hold a password.
func parseURL(s, path string) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return nil, fmt.Errorf("not an address: write http://127.0.0.1:9180, or https://host:port/path")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("unknown scheme %q: an address begins with http:// or https://", u.Scheme)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("an address of an API has neither user, query nor fragment")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	if u.Path == "" {
		u.Path = path
	}
	return u, nil
}

// answer is a response of which all was read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// outgoing is one call that is to be made.
type outgoing struct {
	what     string // was to be done, for an error
	method   string
	segments []string // each is one step of the path
	query    url.Values
	body     []byte // JSON; nil for none
}

// call sends one request without a body and reads the answer. what says in an error what was to
// be done; each of segments is one step of the path.
func (c *Client) call(ctx context.Context, what, method string, segments []string, query url.Values) (*answer, error) {
	return c.send(ctx, outgoing{what: what, method: method, segments: segments, query: query})
}

// send sends one request and reads the answer.
func (c *Client) send(ctx context.Context, r outgoing) (*answer, error) {
	u := c.base.JoinPath(escaped(r.segments)...)
	u.RawQuery = r.query.Encode()
	began, at := time.Now(), new(stage)
	a, err := c.exchange(ctx, at, r, u)
	status := 0
	if a != nil {
		status = a.status
	}
	c.log.Debug("asked", "method", r.method, "url", u.String(), "status", status, "took", time.Since(began))
	if err != nil {
		return nil, c.unreachable(ctx, r.what, at, err)
	}
	return a, nil
}

func escaped(segments []string) []string {
	var out []string
	for _, s := range segments {
		out = append(out, url.PathEscape(s))
	}
	return out
}

func (c *Client) exchange(ctx context.Context, at *stage, r outgoing, u *url.URL) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, at.trace()), r.method, u.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
		req.GetBody = nil // what changes something is sent once
	}
	if c.key != "" {
		req.Header.Set("X-API-KEY", string(c.key))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	at.step.Store(stepRead)
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.limit+1))
	at.read.Store(int64(len(body)))
	if err == nil && int64(len(body)) > c.limit {
		err = errTooLong
	}
	return &answer{status: resp.StatusCode, header: resp.Header, body: body}, err
}
