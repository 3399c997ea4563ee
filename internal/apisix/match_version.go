package apisix

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Version is the gateway's, such as "3.16.0", from the Server header of its Admin API. It is
// empty where that does not tell.
func (c *Client) Version(ctx context.Context) (string, error) {
	if c.whole.name != "" { // nobody tells
		return "", nil
	}
	a, err := c.call(ctx, "ask for the version", http.MethodGet, []string{Services.path()}, url.Values{"page": {"1"}, "page_size": {strconv.Itoa(c.pageSize)}})
	if err != nil {
		return "", err
	}
	version, found := strings.CutPrefix(a.header.Get("Server"), "APISIX/")
	if !found {
		return "", nil
	}
	return version, nil
}

// DefaultRouter is the router of a version of APISIX whose config.yaml names none. ok is false
// where the version is not known: then it is a guess.
func DefaultRouter(version string) (kind RouterKind, ok bool) {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(minor)
	if errA != nil || errB != nil {
		return RouterHostURI, false
	}
	if a < 3 || a == 3 && b < 3 {
		return RouterURI, true
	}
	return RouterHostURI, true
}
