package apisix

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// JSON is the value of r as one line, its members in the API's order. Secrets are hidden
// unless secrets is set; the key of the Admin API always is. What a terminal would obey is
// escaped.
func (r *Resource) JSON(secrets bool) []byte {
	w := &writer{secrets: secrets, apiKey: string(r.apiKey)}
	at := spot{}
	if r.Kind == PluginMetadata {
		at.plugin = r.ID // its value is what is elsewhere below plugins.NAME
	}
	w.value(gjson.ParseBytes(r.Raw), at)
	return w.buf
}

// Envelope is r as one line of JSON: the key, the value as JSON has it, and the revisions.
func (r *Resource) Envelope(secrets bool) []byte {
	w := &writer{}
	w.buf = append(w.buf, `{"id":`...)
	w.raw(quote(r.ID))
	if r.Key != "" {
		w.buf = append(w.buf, `,"key":`...)
		w.raw(quote(r.Key))
	}
	w.buf = append(append(w.buf, `,"value":`...), r.JSON(secrets)...)
	if r.ModifiedIndex != 0 {
		w.buf = fmt.Appendf(w.buf, `,"createdIndex":%d,"modifiedIndex":%d`, r.CreatedIndex, r.ModifiedIndex)
	}
	return append(w.buf, '}')
}

// spot is where in a resource a value is.
type spot struct {
	secret  bool   // all of it is a secret
	plugin  string // the plugin whose configuration it belongs to
	plugins bool   // it is the object whose members are plugins
}

// writer writes JSON anew.
type writer struct {
	buf     []byte
	secrets bool // are shown
	apiKey  string
}

func (w *writer) value(v gjson.Result, at spot) {
	switch {
	case v.IsObject():
		w.object(v, at)
	case v.IsArray():
		w.array(v, at)
	case w.apiKey != "" && strings.Contains(v.String(), w.apiKey):
		w.raw(quote(Hidden))
	case w.secrets, v.Type != gjson.String && v.Type != gjson.Number:
		w.raw(v.Raw)
	case at.secret && !harmless(v.String()):
		w.raw(quote(Hidden))
	case v.Type == gjson.String:
		s := v.String()
		if hidden := withoutSecrets(s); hidden != s {
			w.raw(quote(hidden))
			return
		}
		w.raw(v.Raw)
	default:
		w.raw(v.Raw)
	}
}

func (w *writer) object(v gjson.Result, at spot) {
	w.buf = append(w.buf, '{')
	first := true
	v.ForEach(func(name, member gjson.Result) bool {
		if !first {
			w.buf = append(w.buf, ',')
		}
		first = false
		w.raw(name.Raw)
		w.buf = append(w.buf, ':')
		w.value(member, at.member(v, name.String()))
		return true
	})
	w.buf = append(w.buf, '}')
}

// member is the place of a member of the object v.
func (at spot) member(v gjson.Result, name string) spot {
	if at.plugins {
		return spot{plugin: name}
	}
	in := spot{secret: at.secret, plugin: at.plugin, plugins: name == "plugins"}
	switch {
	case name == "key":
		// Of an upstream or a limit, the key is what to hash or to count by.
		limit := strings.Contains(at.plugin, "limit") || at.plugin == "workflow"
		pool := v.Get("nodes").Exists() || v.Get("hash_on").Exists() || v.Get("service_name").Exists()
		in.secret = in.secret || !limit && !pool
	case name == "value":
		in.secret = in.secret || secretName(v.Get("name").String())
	default:
		in.secret = in.secret || secretName(name)
	}
	return in
}

func (w *writer) array(v gjson.Result, at spot) {
	all := v.Array()
	w.buf = append(w.buf, '[')
	// An expression such as ["http_x_api_key", "==", "secret"].
	secretly := len(all) > 2 && all[0].Type == gjson.String && secretVariable(all[0].String())
	for i, item := range all {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		in := spot{secret: at.secret || secretly && i == len(all)-1, plugin: at.plugin}
		w.value(item, in)
	}
	w.buf = append(w.buf, ']')
}

// raw writes a token of JSON: what a terminal would obey, or is not UTF-8, is escaped.
func (w *writer) raw(token string) {
	for i := 0; i < len(token); {
		r, size := utf8.DecodeRuneInString(token[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			w.buf = append(w.buf, `\ufffd`...)
		case undrawn(r):
			for _, unit := range utf16.Encode([]rune{r}) {
				w.buf = fmt.Appendf(w.buf, `\u%04x`, unit)
			}
		default:
			w.buf = append(w.buf, token[i:i+size]...)
		}
		i += size
	}
}

// quote writes a string as JSON does.
func quote(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r == utf8.RuneError }) < 0 {
		return `"` + s + `"`
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"', r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ':
			b.WriteString(`\u` + strconv.FormatInt(0x10000+int64(r), 16)[1:])
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
