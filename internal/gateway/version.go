package gateway

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Version is what the executable says of itself, as "nginx -V" would print it.
type Version struct {
	Nginx         string   // the nginx core: "1.22.1"; empty when unknown
	OpenResty     string   // "1.27.1.2", or empty when it is not one
	ConfigureArgs []string // quotes removed
	Compat        bool     // built with --with-compat, which pins the struct layout
}

func (v Version) String() string {
	switch {
	case v.OpenResty != "":
		return "openresty " + v.OpenResty
	case v.Nginx != "":
		return "nginx " + v.Nginx
	}
	return "nginx of unknown version"
}

// parseVersion searches the constants of an executable for the strings that
// src/core/nginx.c prints for -V. OpenResty patches NGINX_VER into "openresty/…".
// Other descendants (Tengine, Angie, a renamed build) have layouts of their own and are
// left unknown.
func parseVersion(rodata []byte) Version {
	var v Version
	version := regexp.MustCompile(`nginx version: (nginx|openresty)/([0-9]+\.[0-9]+\.[0-9]+)(\.[0-9]+)?`)
	if m := version.FindSubmatch(rodata); m != nil {
		v.Nginx = string(m[2])
		if string(m[1]) == "openresty" {
			v.OpenResty = string(m[2]) + string(m[3])
		}
	}
	const label = "configure arguments:"
	if i := bytes.Index(rodata, []byte(label)); i >= 0 {
		args := rodata[i+len(label):]
		if end := bytes.IndexAny(args, "\x00\n"); end >= 0 {
			args = args[:end]
		}
		v.ConfigureArgs = splitArgs(string(args))
	}
	v.Compat = slices.Contains(v.ConfigureArgs, "--with-compat")
	return v
}

// splitArgs splits at blanks outside single quotes, as configure wrote them.
func splitArgs(s string) []string {
	var args []string
	var arg strings.Builder
	quoted, open := false, false
	for _, c := range s {
		switch {
		case c == '\'':
			quoted, open = !quoted, true
		case c == ' ' && !quoted:
			if open {
				args = append(args, arg.String())
			}
			arg.Reset()
			open = false
		default:
			arg.WriteRune(c)
			open = true
		}
	}
	if open {
		args = append(args, arg.String())
	}
	return args
}

// pcre reports whether nginx was built with regular expressions, which add
// three fields to the middle of ngx_http_request_t even under --with-compat
// (NGX_PCRE in src/http/ngx_http_request.h; auto/options, auto/modules).
func (v Version) pcre() bool {
	if slices.Contains(v.ConfigureArgs, "--without-pcre") {
		return false
	}
	asked := slices.ContainsFunc(v.ConfigureArgs, func(a string) bool { return strings.HasPrefix(a, "--with-pcre") })
	return asked || !slices.Contains(v.ConfigureArgs, "--without-http_rewrite_module")
}

// A release is an nginx version in numbers.
type release [3]int

func parseRelease(s string) (release, error) {
	var r release
	parts := strings.Split(s, ".")
	if len(parts) != len(r) {
		return r, fmt.Errorf("parse version %q: want three numbers", s)
	}
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil {
			return r, fmt.Errorf("parse version %q: %w", s, err)
		}
		r[i] = n
	}
	return r, nil
}

func (r release) String() string { return fmt.Sprintf("%d.%d.%d", r[0], r[1], r[2]) }

func (r release) compare(o release) int { return slices.Compare(r[:], o[:]) }
