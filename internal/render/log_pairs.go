package render

import (
	"net/url"
	"strings"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// headers writes a header section as APISIX's loggers do, ngx.req.get_headers: names in
// lower case, and a list where a name is there again. It keeps its memory.
type headers struct {
	names, values []string
}

func (h *headers) field(b []byte, head *trace.Head, v *logs.View) []byte {
	h.names, h.values = h.names[:0], h.values[:0]
	for name, value := range v.Shown(head) {
		h.names, h.values = append(h.names, name), append(h.values, value)
	}
	b = append(b, `"headers":{`...)
	for i, name := range h.names {
		again, earlier := false, false
		for n, other := range h.names {
			if n != i && strings.EqualFold(other, name) {
				again, earlier = true, earlier || n < i
			}
		}
		if earlier {
			continue
		}
		b = append(appendLower(b, name), ':')
		if !again {
			b = append(text.AppendJSON(b, h.values[i]), ',')
			continue
		}
		b = append(b, '[')
		for n := i; n < len(h.names); n++ {
			if strings.EqualFold(h.names[n], name) {
				b = append(text.AppendJSON(b, h.values[n]), ',')
			}
		}
		b = append(shut(b, ']'), ',')
	}
	return append(shut(b, '}'), ',')
}

// appendLower appends a string in lower case; what AppendJSON escapes is so already.
func appendLower(b []byte, s string) []byte {
	at := len(b)
	b = text.AppendJSON(b, s)
	for i := at; i < len(b); i++ {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] |= 0x20
		}
	}
	return b
}

// argument is one of a query. Without a "=", it is bare.
type argument struct {
	name, value string
	bare        bool
}

// arguments writes a query as APISIX's loggers do, ngx.req.get_uri_args: of the first 100
// arguments, true for a bare one, and a list where a name is there again.
type arguments struct{ all []argument }

func (a *arguments) field(b []byte, key, query string) []byte {
	a.read(query)
	b = append(append(b, key...), '{')
	for i := range a.all {
		again, earlier := false, false
		for n := range a.all {
			if n != i && a.all[n].name == a.all[i].name {
				again, earlier = true, earlier || n < i
			}
		}
		if earlier {
			continue
		}
		b = append(text.AppendJSON(b, a.all[i].name), ':')
		if !again {
			b = append(a.all[i].appendTo(b), ',')
			continue
		}
		b = append(b, '[')
		for n := i; n < len(a.all); n++ {
			if a.all[n].name == a.all[i].name {
				b = append(a.all[n].appendTo(b), ',')
			}
		}
		b = append(shut(b, ']'), ',')
	}
	return append(shut(b, '}'), ',')
}

func (a *argument) appendTo(b []byte) []byte {
	if a.bare {
		return append(b, "true"...)
	}
	return text.AppendJSON(b, a.value)
}

func (a *arguments) read(query string) {
	a.all = a.all[:0]
	const most = 100
	for query != "" && len(a.all) < most {
		var part string
		part, query, _ = strings.Cut(query, "&")
		name, value, ok := strings.Cut(part, "=")
		if name == "" {
			continue
		}
		a.all = append(a.all, argument{name: unescape(name), value: unescape(value), bare: !ok})
	}
}

// unescape decodes a part of a query; what cannot be decoded stays as it is.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}
