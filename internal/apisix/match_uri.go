package apisix

import (
	"errors"
	"strings"
	"sync"
)

// A uriPattern is one uri of a route: lib/resty/radixtree.lua, common_route_data.
type uriPattern struct {
	text   string
	exact  bool   // the uri is the prefix itself
	prefix string // what comes before the first asterisk or parameter
	whole  func() (*pattern, error)
}

func newURIPattern(text string, params bool) *uriPattern {
	p := &uriPattern{text: text, prefix: text, exact: true}
	end := -1
	if params {
		end = strings.IndexByte(text, ':') // also inside a segment, and also after an asterisk
	}
	if end < 0 {
		end = strings.IndexByte(text, '*')
	}
	if end >= 0 {
		p.exact, p.prefix = false, text[:end]
		p.whole = sync.OnceValues(func() (*pattern, error) { return wholePattern(text, end) })
	}
	return p
}

// wholePattern is what radixtree.lua's fetch_pat makes of a uri, in every router: a segment
// that begins with : or * is a parameter, all else goes into a PCRE as it is. It is nil where
// the prefix says it all.
func wholePattern(text string, prefix int) (*pattern, error) {
	items := strings.Split(text, "/")
	for len(items) > 0 && items[len(items)-1] == "" { // ngx.re.split drops them
		items = items[:len(items)-1]
	}
	names := 0
	for i, item := range items {
		switch {
		case strings.HasPrefix(item, ":"):
			items[i] = `([^\/]+)`
			names++
		case strings.HasPrefix(item, "*"):
			items[i] = `((?:.|\n)*)`
			names++
		}
	}
	last := len(items) - 1
	switch {
	case names == 0: // such as /a*/b, where the asterisk is the end of it
		return nil, nil
	case names == 1 && items[last] == `((?:.|\n)*)` && strings.LastIndexByte(text, '/') < prefix && plain(text[:prefix]):
		return nil, nil // such as /a/*
	}
	source := strings.Join(items, `\/`)
	if strings.HasSuffix(text, "/") {
		source += `\/`
	}
	return newPattern(source, false)
}

// plain reports whether a PCRE of the text matches the text itself.
func plain(text string) bool { return !strings.ContainsAny(text, `\^$|?*+()[]{}`) }

// fits reports whether the uri is what comes before the parameters.
func (p *uriPattern) fits(uri string) bool {
	return uri == p.prefix || !p.exact && strings.HasPrefix(uri, p.prefix)
}

// check compares the parameters: radixtree.lua, compare_param.
func (p *uriPattern) check(uri string) (truth, string) {
	if p.whole == nil {
		return yes, ""
	}
	whole, err := p.whole()
	if err != nil {
		return maybe, "uri " + p.text + ": " + err.Error()
	}
	if whole == nil {
		return yes, ""
	}
	all, err := whole.matchesAll(uri)
	switch {
	case err != nil:
		return maybe, "uri " + p.text + ": " + err.Error()
	case !all:
		return no, "uri " + uri + " is not " + p.text
	}
	return yes, ""
}

var (
	errBadEscape = errors.New("400: the path has a % without two hexadecimal digits")
	errZero      = errors.New("400: the path has a zero byte")
	errAbove     = errors.New("400: the path leads above /")
	errControl   = errors.New("400: the path has a control character or a space")
	errNoPath    = errors.New("400: the path does not begin with /")
)

// splitTarget is a request's path as nginx reads it, and its query. query is nil where there
// is none: ngx_http_parse_complex_uri in src/http/ngx_http_parse.c.
func splitTarget(target string) (uri string, query *string, err error) {
	for i := range len(target) {
		if target[i] <= ' ' || target[i] == 0x7f {
			return "", nil, errControl
		}
	}
	target, _, _ = strings.Cut(target, "#")
	path, args, asked := strings.Cut(target, "?")
	if asked {
		query = &args
	}
	if !strings.HasPrefix(path, "/") {
		return "", nil, errNoPath
	}
	path, bad := unescape(path)
	if bad {
		return "", nil, errBadEscape
	}
	if strings.IndexByte(path, 0) >= 0 {
		return "", nil, errZero
	}
	uri, err = collapse(path)
	return uri, query, err
}

// unescape decodes each %XX. bad says that there is a % without digits.
func unescape(s string) (decoded string, bad bool) {
	if strings.IndexByte(s, '%') < 0 {
		return s, false
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) || hex(s[i+1]) < 0 || hex(s[i+2]) < 0 {
			return "", true
		}
		b = append(b, byte(hex(s[i+1])<<4|hex(s[i+2])))
		i += 2
	}
	return string(b), false
}

func hex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// collapse merges slashes and resolves dots, those that were escaped too.
func collapse(path string) (string, error) {
	var kept []string
	segments := strings.Split(path[1:], "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch {
		case s == "..":
			if len(kept) == 0 {
				return "", errAbove
			}
			kept = kept[:len(kept)-1]
		case s != "." && s != "":
			kept = append(kept, s)
			continue
		}
		if last && len(kept) > 0 {
			kept = append(kept, "") // it ends with a slash
		}
	}
	return "/" + strings.Join(kept, "/"), nil
}
