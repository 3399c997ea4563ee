package apisix

import (
	"net/http"
	"net/netip"
	"strings"
)

// A Request is what is known of a request.
type Request struct {
	Method string // empty where it is not known
	Host   string // the Host header or :authority, with its port if it has one
	Path   string // as sent, with its query if it has one
	// Header is the headers that are known. A name without a value is known to be absent.
	Header http.Header
	Whole  bool       // Header is all of them
	Client netip.Addr // as APISIX sees it; the zero Addr where it is not known
}

// A question is a request as APISIX's variables tell of it.
type question struct {
	method        string
	host, rawHost string
	uri           string
	target        string
	bad           string
	query         *string // nil where there is none
	header        map[string][]string
	whole         bool
	client        netip.Addr
}

func newQuestion(r *Request) *question {
	q := &question{
		method: r.Method, host: hostOf(r.Host), rawHost: r.Host, target: r.Path,
		header: make(map[string][]string, len(r.Header)), whole: r.Whole, client: r.Client,
	}
	var err error
	if q.uri, q.query, err = splitTarget(r.Path); err != nil {
		q.bad = err.Error()
	}
	for name, values := range r.Header {
		name = headerKey(name)
		q.header[name] = append(q.header[name], values...)
	}
	if r.Host != "" {
		q.header["host"] = []string{r.Host}
	}
	return q
}

// hostOf is nginx's $host: ngx_http_validate_host. APISIX's server_name is _.
func hostOf(host string) string {
	host = strings.ToLower(host)
	if i := strings.LastIndexByte(host, ':'); i >= 0 && i > strings.LastIndexByte(host, ']') {
		host = host[:i]
	}
	host = strings.TrimSuffix(host, ".")
	if host == "" {
		return "_"
	}
	return host
}

// headerKey is a header's name as nginx's variables have it.
func headerKey(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "-", "_")
}

// headerVar is $http_name.
func (q *question) headerVar(name string) value {
	key := headerKey(name)
	values, given := q.header[key]
	switch {
	case len(values) > 0:
		sep := ", "
		if key == "cookie" {
			sep = "; "
		}
		return textOf(strings.Join(values, sep)) // nginx 1.23 and later
	case given || q.whole:
		return value{}
	}
	return unknown("the header " + strings.ReplaceAll(key, "_", "-"))
}

// variable is a variable while the route is looked for: apisix/core/ctx.lua, __index.
func (q *question) variable(name string) value {
	switch name {
	case "uri", "document_uri":
		return textOf(q.uri)
	case "host":
		return textOf(q.host)
	case "method", "request_method":
		if q.method == "" {
			return unknown("the method")
		}
		return textOf(q.method)
	case "remote_addr":
		if !q.client.IsValid() {
			return unknown("the client's address")
		}
		return textOf(q.client.String())
	case "request_uri":
		return q.requestURI()
	case "args", "query_string":
		if q.query == nil {
			return value{}
		}
		return textOf(*q.query)
	case "is_args":
		if q.query == nil || *q.query == "" {
			return textOf("")
		}
		return textOf("?")
	case "content_type", "content_length":
		return q.headerVar(name)
	case "route_id", "route_name", "service_id", "service_name", "consumer_name", "consumer_group_id", "balancer_ip", "balancer_port":
		return value{} // not set before there is a route
	}
	return q.prefixed(name)
}

// requestURI is what apisix/init.lua makes anew before the match, and older versions do not.
func (q *question) requestURI() value {
	anew := q.uri
	if q.query != nil && *q.query != "" {
		anew += "?" + *q.query
	}
	if anew != q.target {
		return unknown("whether this version of APISIX normalises request_uri")
	}
	return textOf(anew)
}

func (q *question) prefixed(name string) value {
	if key, found := strings.CutPrefix(name, "arg_"); found {
		return q.arg(key)
	}
	if key, found := strings.CutPrefix(name, "http_"); found {
		return q.headerVar(key)
	}
	if key, found := strings.CutPrefix(name, "cookie_"); found {
		return q.cookie(key)
	}
	if strings.HasPrefix(name, "uri_param_") {
		return value{} // set once there is a route
	}
	if strings.HasPrefix(name, "post_arg_") {
		if kind := q.headerVar("content_type"); kind.kind != unknownValue && !strings.HasPrefix(kind.s, "application/x-www-form-urlencoded") {
			return value{}
		}
	}
	for _, body := range []string{"post_arg_", "post_arg.", "graphql_", "request_body"} {
		if strings.HasPrefix(name, body) {
			return unknown("the request's body, for " + name)
		}
	}
	return unknown("the variable " + name)
}

// arg is apisix/core/request.lua's get_uri_args: the first of that name. One without a = is true.
func (q *question) arg(key string) value {
	if q.query == nil {
		return value{}
	}
	for part := range strings.SplitSeq(*q.query, "&") {
		k, v, assigned := strings.Cut(part, "=")
		k, badKey := unescape(strings.ReplaceAll(k, "+", " "))
		v, badValue := unescape(strings.ReplaceAll(v, "+", " "))
		switch {
		case badKey || badValue && k == key:
			return unknown("how nginx reads a % without digits in the query")
		case k == "" || k != key:
		case !assigned:
			return value{kind: boolValue, b: true}
		default:
			return textOf(v)
		}
	}
	return value{}
}

// cookie is lua-resty-cookie's get: the last of that name, up to a blank or a semicolon.
func (q *question) cookie(key string) value {
	all := q.headerVar("cookie")
	if all.kind != textValue {
		return all
	}
	var found value
	rest := all.s
	for {
		rest = strings.TrimLeft(rest, " \t")
		name, after, assigned := strings.Cut(rest, "=")
		if !assigned {
			return found
		}
		end := strings.IndexAny(after, "; \t")
		if end < 0 {
			end = len(after)
		}
		if name == key {
			found = textOf(after[:end])
		}
		if rest = after[end:]; rest == "" {
			return found
		}
		rest = rest[1:]
	}
}
