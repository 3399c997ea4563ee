package apisix

import (
	"strings"

	"github.com/tidwall/gjson"

	"github.com/apisixscope/apisixscope/internal/text"
)

// Objects are changed as text: what is not meant stays as the API sent it, to the digit.

// member is a member of an object by its very name, for in a path of gjson dots and asterisks
// have meanings. Of several with the name, the last counts, as in Lua.
func member(object gjson.Result, name string) gjson.Result {
	var found gjson.Result
	if object.IsObject() {
		object.ForEach(func(k, v gjson.Result) bool {
			if k.String() == name {
				found = v
			}
			return true
		})
	}
	return found
}

// setMember is object with a member set: in the place of the one that it has, or at the end.
// What is no object counts as an empty one, for Lua may write that as [].
func setMember(object []byte, name string, value []byte) []byte {
	return edit(object, name, value)
}

// dropMember is object without a member.
func dropMember(object []byte, name string) []byte { return edit(object, name, nil) }

func edit(object []byte, name string, value []byte) []byte {
	out := []byte{'{'}
	put := func(name string, value []byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	if v := gjson.ParseBytes(object); v.IsObject() {
		v.ForEach(func(k, v gjson.Result) bool {
			switch {
			case k.String() != name:
				put(k.Raw, []byte(v.Raw))
			case value != nil:
				put(k.Raw, value)
				value = nil
			}
			return true
		})
	}
	if value != nil {
		put(string(text.AppendJSON(nil, name)), value)
	}
	return append(out, '}')
}

// difference is a place where two values are not the same.
type difference struct {
	path  string // such as plugins.limit-count.count
	added bool   // the first value has nothing there
}

// differences compares what is of value in two JSON values. It tells the places, and not what
// is there, for that may be a secret.
func differences(a, b gjson.Result) []difference { return appendDifferences(nil, "", a, b) }

func appendDifferences(all []difference, path string, a, b gjson.Result) []difference {
	switch {
	case !hollow(a) && a.IsObject() && (b.IsObject() || !b.Exists()), !hollow(b) && b.IsObject() && (a.IsObject() || !a.Exists()):
		for _, name := range names(a, b) {
			all = appendDifferences(all, strings.TrimPrefix(path+"."+name, "."), member(a, name), member(b, name))
		}
		return all
	case same(a, b):
		return all
	}
	return append(all, difference{path: path, added: !a.Exists()})
}

// names are those of the members of two objects, each once.
func names(objects ...gjson.Result) []string {
	var all []string
	seen := map[string]bool{}
	for _, o := range objects {
		o.ForEach(func(k, _ gjson.Result) bool {
			if name := k.String(); o.IsObject() && !seen[name] {
				seen[name] = true
				all = append(all, name)
			}
			return true
		})
	}
	return all
}

// same compares values that are not both objects with members.
func same(a, b gjson.Result) bool {
	switch {
	case !a.Exists() || !b.Exists():
		return a.Exists() == b.Exists()
	case hollow(a) && hollow(b):
		return true
	case a.IsArray() && b.IsArray():
		x, y := a.Array(), b.Array()
		if len(x) != len(y) {
			return false
		}
		for i := range x {
			if len(differences(x[i], y[i])) > 0 {
				return false
			}
		}
		return true
	case a.IsObject() || b.IsObject() || a.Type != b.Type:
		return false
	case a.Type == gjson.Number:
		return a.Raw == b.Raw || a.Num == b.Num
	}
	return a.String() == b.String()
}

// hollow reports whether v is an empty object or array: Lua cannot tell them apart.
func hollow(v gjson.Result) bool {
	return v.IsObject() && len(v.Map()) == 0 || v.IsArray() && len(v.Array()) == 0
}
