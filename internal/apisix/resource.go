package apisix

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// A Resource is one object of the Admin API or of the Control API.
type Resource struct {
	Kind Kind
	ID   string // unique among its kind; a consumer's is its name, a secret's is MANAGER/ID
	Key  string // where etcd has it, such as /apisix/routes/1
	Raw  []byte // the value: a JSON object as the API sent it

	// The revisions of etcd at which it was last changed, and made; 0 where it is not known.
	ModifiedIndex, CreatedIndex int64

	apiKey Key // with which the API was asked: a server may send back what it got
}

// Value reads what is at a gjson path of the value. It does not exist where nothing is there.
func (r *Resource) Value(path string) gjson.Result { return gjson.GetBytes(r.Raw, path) }

// Name is the name that the user gave it; empty where there is none.
func (r *Resource) Name() string {
	if r.Kind == Consumers {
		return r.Value("username").String()
	}
	return r.Value("name").String()
}

// List is the resources that an answer with many of them holds. total is how many there are
// on all pages, if the answer says so. The two envelopes are
//
//	{"list":[{"key":…,"value":{…},"createdIndex":1,"modifiedIndex":2}],"total":1}
//	{"action":"get","count":1,"node":{"dir":true,"key":…,"nodes":[{"key":…,"value":{…}}]}}
//
// where Lua writes an empty array as {}, and the Control API has the array alone.
func parseList(kind Kind, body []byte) (list []Resource, total int, err error) {
	doc := gjson.ParseBytes(body)
	items := doc
	total = -1
	switch {
	case doc.IsArray():
	case doc.Get("list").Exists():
		items = doc.Get("list")
		if n := doc.Get("total"); n.Type == gjson.Number {
			total = int(n.Int())
		}
	case doc.Get("node").IsObject():
		items = doc.Get("node.nodes") // it may be missing
	default:
		return nil, 0, fmt.Errorf("%w: the answer is no list", ErrNotAdmin)
	}
	switch {
	case items.IsArray():
	case !items.Exists(), items.IsObject() && len(items.Map()) == 0:
		return nil, total, nil
	default:
		return nil, 0, fmt.Errorf("%w: the list is %s", ErrNotAdmin, kindOf(items))
	}
	items.ForEach(func(_, item gjson.Result) bool {
		var r Resource
		if r, err = parseResource(kind, item); err == nil {
			list = append(list, r)
		}
		return err == nil
	})
	return list, total, err
}

// parseOne is the resource that an answer with one of them holds.
func parseOne(kind Kind, body []byte) (Resource, error) {
	doc := gjson.ParseBytes(body)
	if node := doc.Get("node"); node.IsObject() {
		doc = node
	}
	return parseResource(kind, doc)
}

func parseResource(kind Kind, item gjson.Result) (Resource, error) {
	value := item.Get("value")
	if !value.IsObject() {
		return Resource{}, fmt.Errorf("%w: the value of %s is %s", ErrNotAdmin, kind.one(), kindOf(value))
	}
	r := Resource{
		Kind: kind, Key: item.Get("key").String(), Raw: []byte(value.Raw),
		ModifiedIndex: revision(item), CreatedIndex: item.Get("createdIndex").Int(),
	}
	// The key has the whole id; the value's may be a number, and metadata may have none.
	name := "username"
	if kind != Consumers {
		name = "id"
	}
	r.ID = cmp.Or(idOf(kind, r.Key), value.Get(name).String())
	if r.ID == "" {
		return Resource{}, fmt.Errorf("%w: a %s has no id", ErrNotAdmin, kind.one())
	}
	return r, nil
}

// revision is etcd's of an item. Where names of nodes were resolved, the Control API has it in a
// member of its own, or as "270#2".
func revision(item gjson.Result) int64 {
	v := item.Get("orig_modifiedIndex")
	if !v.Exists() {
		v = item.Get("modifiedIndex")
	}
	digits, _, _ := strings.Cut(v.String(), "#")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return v.Int() // such as 2.7e2
	}
	return n
}

// idOf is what follows the kind in one of etcd's keys, whatever its prefix is.
func idOf(kind Kind, key string) string {
	for _, path := range []string{kind.path(), kind.oldPath()} {
		if _, id, found := strings.Cut(key, "/"+path+"/"); path != "" && found {
			return id
		}
	}
	return ""
}

// kindOf says what a JSON value is instead of what it should be.
func kindOf(v gjson.Result) string {
	switch {
	case !v.Exists():
		return "missing"
	case v.IsObject():
		return "an object"
	case v.IsArray():
		return "an array"
	}
	return map[gjson.Type]string{
		gjson.Null: "null", gjson.True: "true", gjson.False: "false", gjson.Number: "a number", gjson.String: "a string",
	}[v.Type]
}
