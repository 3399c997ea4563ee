package apisix

import (
	"cmp"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// plainMatch is the rules written down once more, the plain way: of all routes with all their
// uris and hosts, those that match, and of these the best.
func (w *world) plainMatch(kind RouterKind, r plainRequest) (best *plainRoute, tied bool) {
	type found struct {
		route *plainRoute
		key   []int
	}
	var all []found
	for _, route := range w.Routes {
		hosts := route.Hosts
		if hosts == nil {
			hosts = w.Services[route.Service]
		}
		if route.Status != nil && *route.Status == 0 || !route.passes(r) {
			continue
		}
		for _, uri := range route.URIs {
			key, fits := plainURI(kind, uri, r.Path)
			if !fits {
				continue
			}
			key = append(key, route.Priority, len(uri))
			switch {
			case len(hosts) == 0:
				all = append(all, found{route, append([]int{0, 0}, key...)})
			default:
				for _, h := range hosts {
					if rank, fits := plainHost(h, r.Host); fits && kind == RouterHostURI {
						all = append(all, found{route, append(rank, key...)})
					} else if fits {
						all = append(all, found{route, append([]int{0, 0}, key...)})
					}
				}
			}
		}
	}
	for _, f := range all {
		if best == nil || slices.Compare(f.key, all[0].key) > 0 {
			best, all[0] = f.route, f
		}
	}
	for _, f := range all {
		tied = tied || f.route != best && slices.Equal(f.key, all[0].key)
	}
	return best, tied
}

// plainHost ranks a host: whole ones before wildcards, longer wildcards before shorter.
func plainHost(pattern, host string) ([]int, bool) {
	if !strings.HasPrefix(pattern, "*") {
		return []int{2, 0}, pattern == host
	}
	return []int{1, len(pattern)}, strings.HasSuffix(host, pattern[1:])
}

// plainURI ranks a uri: whole ones before prefixes, longer prefixes before shorter.
func plainURI(kind RouterKind, pattern, path string) ([]int, bool) {
	end := strings.Index(pattern, "*")
	if colon := strings.Index(pattern, ":"); kind == RouterParams && colon >= 0 {
		end = colon
	}
	if end < 0 {
		return []int{1, 0}, pattern == path
	}
	segments := strings.Split(pattern, "/")
	isParam := func(s string) bool { return s != "" && (s[0] == ':' || s[0] == '*') }
	fits := strings.HasPrefix(path, pattern[:end])
	if fits && slices.ContainsFunc(segments, isParam) {
		fits = plainSegments(segments, path)
	}
	return []int{0, end}, fits
}

// plainSegments compares segment by segment; an asterisk tries every length.
func plainSegments(segments []string, path string) bool {
	s, rest := segments[0], segments[1:]
	next := func(path string) bool {
		if len(rest) == 0 {
			return path == ""
		}
		return strings.HasPrefix(path, "/") && plainSegments(rest, path[1:])
	}
	switch {
	case strings.HasPrefix(s, ":"):
		n := strings.IndexByte(path+"/", '/')
		return n > 0 && next(path[n:])
	case strings.HasPrefix(s, "*"):
		for n := range len(path) + 1 {
			if next(path[n:]) {
				return true
			}
		}
		return false
	}
	return strings.HasPrefix(path, s) && next(path[len(s):])
}

// passes is the conditions that have nothing to do with the uri and the host.
func (p *plainRoute) passes(r plainRequest) bool {
	if len(p.Methods) > 0 && !slices.Contains(p.Methods, r.Method) {
		return false
	}
	if len(p.Clients) > 0 && !slices.ContainsFunc(p.Clients, func(net string) bool { return plainNet(net, r.Client) }) {
		return false
	}
	return len(p.Vars) == 0 || plainVars(p.Vars, r)
}

func plainNet(net, client string) bool {
	a, err := netip.ParseAddr(client)
	if err != nil {
		return false
	}
	if p, err := netip.ParsePrefix(net); err == nil {
		return p.Contains(a)
	}
	return netip.MustParseAddr(net) == a
}

var (
	someTexts    = []string{"1", "2", "10", "a", "A1", "", "10.0.0.7"}
	somePatterns = []string{"^a", "1$", "^[0-9]+$", "A", "^$"}
)

// group makes vars: a list, which means AND, or one of the words and two or more.
func (d *dice) group(depth int) []any {
	var out []any
	count := 1 + d.roll(3)
	if op := pick(d, "", "", "AND", "OR", "!AND", "!OR", "or"); op != "" {
		out = append(out, op)
		count++
	}
	for range count {
		if depth < 3 && d.roll(3) == 0 {
			out = append(out, d.group(depth+1))
		} else {
			out = append(out, d.leaf())
		}
	}
	return out
}

func (d *dice) leaf() []any {
	leaf := []any{pick(d, "arg_x", "arg_y", "http_x_env", "http_X-Env", "cookie_c", "request_method", "host", "uri", "remote_addr", "route_id")}
	if d.roll(3) == 0 {
		leaf = append(leaf, "!")
	}
	op := pick(d, "==", "~=", ">", ">=", "<", "<=", "~~", "~*", "in", "IN", "has", "ipmatch")
	leaf = append(leaf, op)
	switch strings.ToLower(op) {
	case "~~", "~*":
		return append(leaf, pick(d, somePatterns...))
	case "in":
		return append(leaf, []any{pick(d, someTexts...), pick(d, someTexts...), 2.0, "GET"})
	case "ipmatch":
		return append(leaf, pick[any](d, pick(d, someNets...), []any{pick(d, someNets...), pick(d, someNets...)}))
	}
	return append(leaf, pick[any](d, "1", "2", "a", "GET", "x.com", 1.0, 10.0, true, nil))
}

// plainVars evaluates vars as they are written.
func plainVars(v []any, r plainRequest) bool {
	name, isText := v[0].(string)
	holds := func(inner any) bool { return plainVars(inner.([]any), r) }
	not := func(inner any) bool { return !holds(inner) }
	switch op := strings.ToUpper(name); {
	case !isText:
		return !slices.ContainsFunc(v, not)
	case op == "AND":
		return !slices.ContainsFunc(v[1:], not)
	case op == "!AND":
		return slices.ContainsFunc(v[1:], not)
	case op == "OR":
		return slices.ContainsFunc(v[1:], holds)
	case op == "!OR":
		return !slices.ContainsFunc(v[1:], holds)
	case v[1] == "!":
		return !plainHolds(r, name, v[2].(string), v[3])
	}
	return plainHolds(r, name, v[1].(string), v[2])
}

func plainHolds(r plainRequest, name, op string, right any) bool {
	left, there := plainVar(r, name)
	number, notNumber := strconv.ParseFloat(left, 64)
	isNumber := there && notNumber == nil
	switch strings.ToLower(op) {
	case "==":
		return plainEqual(left, there, right)
	case "~=":
		return !plainEqual(left, there, right)
	case "~~":
		return there && regexp.MustCompile(right.(string)).MatchString(left)
	case "~*":
		return there && regexp.MustCompile("(?i)"+right.(string)).MatchString(left)
	case "in":
		return there && slices.Contains(right.([]any), any(left))
	case "ipmatch":
		if one, ok := right.(string); ok {
			right = []any{one}
		}
		return slices.ContainsFunc(right.([]any), func(net any) bool { return there && plainNet(net.(string), left) })
	case "has":
		return false
	}
	limit, ok := right.(float64)
	if text, isText := right.(string); isText {
		var err error
		limit, err = strconv.ParseFloat(text, 64)
		ok = err == nil
	}
	c := cmp.Compare(number, limit)
	return isNumber && ok && (strings.HasPrefix(op, ">") && c > 0 || strings.HasPrefix(op, "<") && c < 0 || strings.HasSuffix(op, "=") && c == 0)
}

func plainEqual(left string, there bool, right any) bool {
	if n, ok := right.(float64); ok {
		f, err := strconv.ParseFloat(left, 64)
		return there && err == nil && f == n
	}
	if right == nil {
		return !there
	}
	return there && right == any(left)
}

func plainVar(r plainRequest, name string) (string, bool) {
	var v string
	there := true
	switch name {
	case "arg_x", "arg_y":
		v, there = r.Args[name[4:]]
	case "http_x_env", "http_X-Env":
		v, there = r.Headers["X-Env"]
	case "cookie_c":
		_, v, there = strings.Cut(r.Headers["Cookie"], "c=")
	case "request_method":
		v = r.Method
	case "host":
		v = r.Host
	case "uri":
		v = r.Path
	case "remote_addr":
		v = r.Client
	default:
		there = false
	}
	return v, there
}
