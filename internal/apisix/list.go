package apisix

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/apisixscope/apisixscope/internal/hint"
)

const (
	pageSize = 500 // the most that APISIX gives
	// maxTries is how often a list is begun again because it changed between two pages.
	maxTries = 3
)

// List returns all resources of a kind, in the order of the API, from as many pages as there
// are. APISIX 2.x has no pages and gives all at once.
func (c *Client) List(ctx context.Context, kind Kind) ([]Resource, error) {
	if c.isWhole(ctx, false) {
		return c.listWhole(ctx, kind)
	}
	list, err := c.list(ctx, "list "+string(kind), kind)
	if err != nil && mayBeWhole(err) && c.isWhole(ctx, true) {
		return c.listWhole(ctx, kind)
	}
	return list, err
}

// Credentials returns a consumer's credentials.
func (c *Client) Credentials(ctx context.Context, consumer string) ([]Resource, error) {
	what := "list credentials of " + consumer
	if err := checkID(consumer); err != nil {
		return nil, hint.Misuse(fmt.Errorf("%s: %w", what, err))
	}
	if c.isWhole(ctx, false) {
		return c.credentialsWhole(ctx, consumer)
	}
	list, err := c.list(ctx, what, Credentials, consumer)
	if err != nil && mayBeWhole(err) && c.isWhole(ctx, true) {
		return c.credentialsWhole(ctx, consumer)
	}
	return list, err
}

// list is List, of an API with a path for each kind. The credentials are those of a consumer.
func (c *Client) list(ctx context.Context, what string, kind Kind, of ...string) ([]Resource, error) {
	if kind == Plugins {
		return c.listPlugins(ctx, what)
	}
	for range maxTries {
		list, whole, err := c.pages(ctx, what, kind, of...)
		if err != nil || whole {
			return list, err
		}
	}
	return nil, fmt.Errorf("%s at %s: it changed while its pages were read, %d times", what, c.base, maxTries)
}

// pages reads each page once. The list is not whole if it changed meanwhile.
func (c *Client) pages(ctx context.Context, what string, kind Kind, of ...string) (list []Resource, whole bool, err error) {
	seen := map[string]bool{}
	first := -1
	for page := 1; ; page++ {
		query := url.Values{"page": {strconv.Itoa(page)}, "page_size": {strconv.Itoa(c.pageSize)}}
		body, err := c.ask(ctx, what, kind, of, query)
		if errors.Is(err, errNoSuchKey) && page == 1 {
			return nil, true, nil // etcd has nothing below the kind's key
		}
		if err != nil {
			return nil, false, err
		}
		part, total, err := parseList(kind, body)
		if err != nil {
			return nil, false, hint.Wrap(fmt.Errorf("%s at %s: %w", what, c.base, err), notAdmin)
		}
		fresh := 0
		for _, r := range part {
			if !seen[r.ID] {
				seen[r.ID] = true
				r.apiKey = c.key
				list = append(list, r)
				fresh++
			}
		}
		switch {
		case total < 0: // no pages
			return list, true, nil
		case page == 1:
			first = total
		case total != first:
			return nil, false, nil
		}
		if len(list) >= total {
			return list, true, nil
		}
		if fresh == 0 {
			return nil, false, nil
		}
	}
}

// Get returns one resource. The error is ErrNotFound where there is none.
func (c *Client) Get(ctx context.Context, kind Kind, id string) (Resource, error) {
	what := "get " + kind.one() + " " + id
	if err := checkID(id); err != nil {
		return Resource{}, hint.Misuse(fmt.Errorf("%s: %w", what, err))
	}
	if c.isWhole(ctx, false) {
		return c.getWhole(ctx, kind, id)
	}
	body, err := c.ask(ctx, what, kind, strings.Split(id, "/"), nil)
	if err != nil && mayBeWhole(err) && c.isWhole(ctx, true) {
		return c.getWhole(ctx, kind, id)
	}
	if err != nil {
		return Resource{}, err
	}
	var r Resource
	if kind == Plugins {
		r, err = parsePlugin(id, body)
	} else {
		r, err = parseOne(kind, body)
	}
	if err != nil {
		return Resource{}, hint.Wrap(fmt.Errorf("%s at %s: %w", what, c.base, err), notAdmin)
	}
	r.apiKey = c.key
	return r, nil
}

func checkID(id string) error {
	for s := range strings.SplitSeq(id, "/") {
		if s == "" || s == "." || s == ".." {
			return errors.New("not an id")
		}
	}
	return nil
}

// ask gets what is below a kind's path, or below its path in APISIX 2.x.
func (c *Client) ask(ctx context.Context, what string, kind Kind, segments []string, query url.Values) ([]byte, error) {
	if kind == Credentials { // they are below a consumer
		segments = append([]string{segments[0], kind.path()}, segments[1:]...)
		kind = Consumers
	}
	body, err := c.get(ctx, what, append([]string{kind.path()}, segments...), query)
	if old := kind.oldPath(); old != "" && noSuchPath(err) {
		if b, again := c.get(ctx, what, append([]string{old}, segments...), query); again == nil || !noSuchPath(again) {
			return b, again
		}
	}
	return body, err
}

// noSuchPath reports whether the API does not know the path. A missing object is none of that.
func noSuchPath(err error) bool {
	return errors.Is(err, ErrNotAdmin) || errors.Is(err, ErrNotFound) && !errors.Is(err, errNoSuchKey)
}

func (c *Client) get(ctx context.Context, what string, segments []string, query url.Values) ([]byte, error) {
	a, err := c.call(ctx, what, http.MethodGet, segments, query)
	if err != nil {
		return nil, err
	}
	return c.check(what, a)
}

// listPlugins returns the names of the gateway's plugins, the one that runs first first.
func (c *Client) listPlugins(ctx context.Context, what string) ([]Resource, error) {
	body, err := c.get(ctx, what, []string{Plugins.path(), "list"}, nil)
	if err != nil {
		return nil, err
	}
	doc := gjson.ParseBytes(body)
	if !doc.IsArray() && (!doc.IsObject() || len(doc.Map()) > 0) {
		return nil, hint.Wrap(fmt.Errorf("%s at %s: %w: the answer is no list", what, c.base, ErrNotAdmin), notAdmin)
	}
	var list []Resource
	doc.ForEach(func(_, name gjson.Result) bool {
		list = append(list, Resource{Kind: Plugins, ID: name.String(), Raw: []byte(`{"name":` + name.Raw + `}`)})
		return true
	})
	return list, nil
}

// parsePlugin makes a resource of a plugin's schema.
func parsePlugin(name string, body []byte) (Resource, error) {
	if !gjson.ParseBytes(body).IsObject() {
		return Resource{}, fmt.Errorf("%w: the schema of plugin %s is no object", ErrNotAdmin, name)
	}
	return Resource{Kind: Plugins, ID: name, Raw: body}, nil
}
