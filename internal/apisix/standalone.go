package apisix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"github.com/apisixscope/apisixscope/internal/hint"
)

// A gateway without etcd has all its resources in one document: behind its Admin API, where
// that is of the standalone kind (3.13 and later), or in its conf/apisix.yaml. In it each kind is
// an array of values, beside the version of it:
//
//	{"routes":[{"id":"1",…}],"routes_conf_version":7,"services":[…],…}

// whole is such a document; the zero whole is of an API that is not known to be one.
type whole struct {
	read func(context.Context) ([]byte, error) // nil for the Admin API
	name string                                // of the file; empty for the Admin API

	mu    sync.Mutex
	known bool // it is one
	doc   []byte
	at    time.Time
}

// wholeAge is for how long a document is not asked for again: a command lists several kinds.
const wholeAge = time.Second

// fileVersion is the member that stands for the version of every kind, in a file.
const fileVersion = "_conf_version"

// NewFile returns a client of a gateway that has its resources in a file, as JSON. Nothing but
// what is there can be asked for.
func NewFile(name string, read func() ([]byte, error)) *Client {
	c := &Client{base: &url.URL{Scheme: "file", Path: name}, http: &http.Client{}}
	c.whole.read = func(context.Context) ([]byte, error) { return read() }
	c.whole.name, c.whole.known = name, true
	return c
}

// mayBeWhole reports that an error of a usual path may be one of an API of the standalone kind.
func mayBeWhole(err error) bool { return errors.Is(err, ErrNotAdmin) || errors.Is(err, errNothing) }

// isWhole reports whether all resources are in one document. It asks only if nothing else has
// been found at the usual path.
func (c *Client) isWhole(ctx context.Context, ask bool) bool {
	c.whole.mu.Lock()
	known := c.whole.known
	c.whole.mu.Unlock()
	if known || !ask {
		return known
	}
	_, err := c.document(ctx, "read the configuration")
	return err == nil
}

// document is the whole of it. What it was a moment ago will do.
func (c *Client) document(ctx context.Context, what string) (gjson.Result, error) {
	w := &c.whole
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.doc != nil && time.Since(w.at) < wholeAge {
		return gjson.ParseBytes(w.doc), nil
	}
	read := w.read
	if read == nil {
		read = func(ctx context.Context) ([]byte, error) { return c.get(ctx, what, []string{"configs"}, nil) }
	}
	data, err := read(ctx)
	if err != nil {
		return gjson.Result{}, err
	}
	doc, err := document(data)
	if err == nil && !w.known && !isConfigs(doc) {
		err = fmt.Errorf("%w: it has no kind of resources", ErrNotAdmin)
	}
	if err != nil {
		return gjson.Result{}, hint.Wrap(fmt.Errorf("%s at %s: %w", what, c.base, err), notAdmin)
	}
	w.doc, w.at, w.known = data, time.Now(), true
	return doc, nil
}

func isConfigs(doc gjson.Result) bool {
	for _, kind := range Kinds() {
		if doc.Get(kind.path()+"_conf_version").Exists() || doc.Get(kind.path()).IsArray() {
			return true
		}
	}
	return false
}

// listWhole is List, of a document.
func (c *Client) listWhole(ctx context.Context, kind Kind) ([]Resource, error) {
	what := "list " + string(kind)
	doc, err := c.document(ctx, what)
	if err != nil {
		return nil, err
	}
	values := doc.Get(kind.path())
	if kind == Plugins && !values.Exists() {
		return nil, fmt.Errorf("%s at %s: %w: without etcd, only the gateway's conf/config.yaml tells which are on", what, c.base, ErrNotFound)
	}
	version := doc.Get(kind.path() + "_conf_version")
	if !version.Exists() {
		version = doc.Get(fileVersion)
	}
	var list []Resource
	for _, v := range values.Array() {
		r, ok := wholeResource(kind, v)
		if !ok {
			return nil, fmt.Errorf("%s at %s: one of them has no id", what, c.base)
		}
		if r.ModifiedIndex == 0 {
			r.ModifiedIndex = version.Int()
		}
		r.apiKey = c.key
		if kind != Consumers || !strings.Contains(r.ID, "/credentials/") {
			list = append(list, r)
		}
	}
	return list, nil
}

// wholeResource is one value of a document.
func wholeResource(kind Kind, v gjson.Result) (Resource, bool) {
	id := v.Get("id").String()
	switch {
	case kind == Plugins:
		id = v.Get("name").String()
	case kind == Consumers && id == "":
		id = v.Get("username").String()
	}
	r := Resource{Kind: kind, ID: id, Key: "/" + kind.path() + "/" + id, Raw: []byte(v.Raw), ModifiedIndex: v.Get("modifiedIndex").Int()}
	return r, v.IsObject() && id != ""
}

// getWhole is Get, of a document.
func (c *Client) getWhole(ctx context.Context, kind Kind, id string) (Resource, error) {
	list, wanted, err := []Resource(nil), id, error(nil)
	if consumer, rest, _ := strings.Cut(id, "/"); kind == Credentials {
		wanted = rest
		list, err = c.credentialsWhole(ctx, consumer)
	} else {
		list, err = c.listWhole(ctx, kind)
	}
	if err != nil {
		return Resource{}, err
	}
	for _, r := range list {
		if r.ID == wanted {
			return r, nil
		}
	}
	return Resource{}, fmt.Errorf("get %s %s at %s: %w", kind.one(), id, c.base, ErrNotFound)
}

// credentialsWhole are a consumer's credentials in a document: consumers with an id of
// NAME/credentials/ID.
func (c *Client) credentialsWhole(ctx context.Context, consumer string) ([]Resource, error) {
	what := "list credentials of " + consumer
	doc, err := c.document(ctx, what)
	if err != nil {
		return nil, err
	}
	var list []Resource
	for _, v := range doc.Get(Consumers.path()).Array() {
		if id, found := strings.CutPrefix(v.Get("id").String(), consumer+"/credentials/"); found {
			list = append(list, Resource{Kind: Credentials, ID: id, Key: "/consumers/" + v.Get("id").String(), Raw: []byte(v.Raw), apiKey: c.key})
		}
	}
	return list, nil
}

// fromYAML makes such a document of a conf/apisix.yaml that was changed at a time, in seconds.
func fromYAML(data []byte, changed int64) ([]byte, error) {
	var s settings
	// apisix/core/config_yaml.lua, read_apisix_config: what does not end so is being written.
	if end := data[max(0, len(data)-10):]; !strings.Contains(string(end), "#END") {
		return nil, hint.Wrap(fmt.Errorf("it does not end with #END"), "APISIX does not load it before its last line is #END")
	}
	if err := s.add(data); err != nil {
		return nil, err
	}
	doc := map[string]any{}
	if len(s.layers) > 0 {
		for name, v := range s.layers[0] {
			doc[name] = plainJSON(v)
		}
	}
	doc[fileVersion] = changed
	return json.Marshal(doc)
}

// plainJSON is a value of YAML as JSON can have it: keys are strings there.
func plainJSON(v any) any {
	switch v := v.(type) {
	case map[any]any:
		out := map[string]any{}
		for key, member := range v {
			out[fmt.Sprint(key)] = plainJSON(member)
		}
		return out
	case map[string]any:
		for key, member := range v {
			v[key] = plainJSON(member)
		}
	case []any:
		for i, item := range v {
			v[i] = plainJSON(item)
		}
	}
	return v
}
