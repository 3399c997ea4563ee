package apisix

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/tidwall/gjson"

	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/text"
)

var (
	// ErrNotFound is for an object that the API does not have.
	ErrNotFound = errors.New("not found")
	// ErrKey is for a key that is missing, wrong, or of a role that may not do this.
	ErrKey = errors.New("unauthorized")
	// ErrNotAdmin is for an answer that no Admin API and no Control API gives.
	ErrNotAdmin = errors.New("not an API of APISIX")

	// errNoSuchKey is for a path that the API knows, with nothing in etcd.
	errNoSuchKey = fmt.Errorf("%w", ErrNotFound)
	// errNothing is for a path that the API does not know, and says no more of.
	errNothing = fmt.Errorf("%w", ErrNotFound)
	errTooLong = errors.New("answer too long")
)

// unreachable says why there is no whole answer.
func (c *Client) unreachable(ctx context.Context, what string, at *stage, err error) error {
	say := func(why error, remedy string) error {
		if known := hint.Of(why); known != "" {
			remedy = known
		}
		return hint.Wrap(fmt.Errorf("%s at %s: %w", what, c.base, why), remedy)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s at %s: %w", what, c.base, ctx.Err()) // the user's end, not ours
	}
	// What net/http wraps around the cause repeats the address.
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch netErr, isNet := errors.AsType[net.Error](err); {
	case errors.Is(err, context.DeadlineExceeded), isNet && netErr.Timeout():
		remedy := "is the address right, and is it reachable from here?"
		if at.step.Load() >= stepWait {
			remedy = "APISIX waits for etcd without an end of its own: look whether etcd answers"
		}
		return say(fmt.Errorf("%s: %w", at.hung(c.timeout), context.DeadlineExceeded), remedy)
	case errors.Is(err, errTooLong):
		return say(fmt.Errorf("the answer is longer than %s", text.Size(c.limit)), "")
	case errors.Is(err, syscall.ECONNREFUSED):
		return say(syscall.ECONNREFUSED, "is APISIX running? its conf/config.yaml says where it listens: "+c.listens)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return say(fmt.Errorf("it closed the connection before the answer's end: %w", root(err)), "")
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return say(errors.New("it does not speak TLS"), "write http:// instead of https://")
	case errors.As(err, &certificate):
		remedy := "name the authority that signed it with --admin-ca"
		if _, ok := errors.AsType[x509.HostnameError](err); ok {
			remedy = "name the host that the certificate is for with --admin-server-name"
		}
		return say(fmt.Errorf("its certificate is not trusted: %w", certificate.Err), remedy)
	case refusedByTLS(err):
		return say(err, "the Admin API may want a client's certificate: give it with --admin-cert and --admin-cert-key")
	}
	return say(err, "")
}

// refusedByTLS reports whether the other end ended a TLS handshake.
func refusedByTLS(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return ok && e.Op == "remote error"
}

// root is the last cause in a chain of wrapped ones.
func root(err error) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}

// check returns the JSON of a good answer, or what the API says of a bad one.
func (c *Client) check(what string, a *answer) ([]byte, error) {
	good := json.Valid(a.body) // unlike gjson's, it bounds how deep values nest
	if a.status == http.StatusOK && good {
		return a.body, nil
	}
	return nil, fmt.Errorf("%s at %s: %w", what, c.base, c.refusal(a, good))
}

const notAdmin = "is this the Admin API? it listens on port 9180 by default, or 9080 in APISIX 2.x"

// refusal says why an answer is none.
func (c *Client) refusal(a *answer, isJSON bool) error {
	said := c.said(a, isJSON)
	words := fmt.Sprintf("%d %s", a.status, strings.ToLower(http.StatusText(a.status)))
	if said != "" {
		said = ": " + said
		words += said
	}
	switch {
	case a.status == http.StatusUnauthorized:
		return hint.Wrap(fmt.Errorf("401 %w%s", ErrKey, said), c.keyRemedy())
	case a.status == http.StatusForbidden && !isJSON:
		return hint.Wrap(errors.New(words), "the gateway lets in the addresses of deployment.admin.allow_admin in its conf/config.yaml alone")
	case a.status == http.StatusNotFound && said == ": Key not found":
		return errNoSuchKey
	case a.status == http.StatusNotFound && said == ": not found":
		return fmt.Errorf("404 %w%s", errNothing, said)
	case a.status == http.StatusNotFound && isJSON:
		return fmt.Errorf("404 %w%s", ErrNotFound, said)
	case a.status >= 300 && a.status < 400:
		return hint.Wrap(fmt.Errorf("%w: %s: it leads elsewhere, where the key is not sent", ErrNotAdmin, words), c.notAPI)
	case a.status == http.StatusNotFound:
		return hint.Wrap(fmt.Errorf("%w: %s", ErrNotAdmin, words), c.notAPI)
	case a.status == http.StatusServiceUnavailable:
		return hint.Wrap(errors.New(words), "the gateway cannot reach its etcd")
	case a.status == http.StatusBadRequest && bytes.Contains(a.body, []byte("HTTPS")) && !isJSON:
		return hint.Wrap(errors.New(words), "the port is one for TLS: write https:// instead of http://")
	case a.status == http.StatusOK && sort(a) == brokenJSON:
		return hint.Wrap(fmt.Errorf("%w: it sent %s", ErrNotAdmin, brokenJSON), c.notAPI)
	case a.status == http.StatusOK:
		return hint.Wrap(fmt.Errorf("%w: it sent %s instead of JSON", ErrNotAdmin, sort(a)), c.notAPI)
	}
	return errors.New(words)
}

// said is the API's own words in an answer that is an error.
func (c *Client) said(a *answer, isJSON bool) string {
	var words string
	switch {
	case isJSON:
		doc := gjson.ParseBytes(a.body)
		for _, name := range []string{"error_msg", "message", "description"} {
			if s := doc.Get(name).String(); s != "" && words != "" {
				words += ": " + s
			} else {
				words += s
			}
		}
	case sort(a) == "text": // as page_size's, whatever the content type says
		words = string(a.body)
	default:
		words = ""
	}
	return text.Truncate(text.Clean(strings.TrimSpace(c.hide(words))), 300)
}

// hide keeps the key out of words that a server made of the request.
func (c *Client) hide(words string) string {
	if c.key == "" {
		return words
	}
	return strings.ReplaceAll(words, string(c.key), "(hidden)")
}

const brokenJSON = "invalid JSON"

// sort says what a body that is no JSON is.
func sort(a *answer) string {
	body := strings.TrimSpace(string(a.body[:min(len(a.body), 512)]))
	switch {
	case body == "":
		return "nothing"
	case strings.HasPrefix(body, "<"):
		return "HTML"
	case body[0] == '{', body[0] == '[':
		return brokenJSON
	}
	return "text"
}

func (c *Client) keyRemedy() string {
	const where = "deployment.admin.admin_key in the gateway's conf/config.yaml"
	if c.key == "" {
		return "give the key with --admin-key-file or APISIX_ADMIN_KEY; it is " + where
	}
	if c.keyFrom == "" {
		return "compare the key with " + where
	}
	return "the key is from " + c.keyFrom + ": compare it with " + where
}
