package logs

import "strings"

// Hidden stands where a secret was, however long it was.
const Hidden = "***"

// hide hides what is secret in the values of a line.
func (f *Fields) hide() {
	f.URI = HideURL(f.URI)
	f.Query = HideQuery(f.Query)
	f.Path = HideURL(f.Path)
	f.Referer = HideURL(f.Referer)
}

// secretHeader reports whether what a header of this name says is a secret. In doubt it is.
func secretHeader(name string) bool {
	switch {
	case len(name) < 3:
		return false
	case is(name, "cookie"), is(name, "set-cookie"), is(name, "apikey"), is(name, "jwt"):
		return true
	}
	return endsIn(name, "authorization", "token", "secret", "-key", "_key", "apikey", "password", "passwd",
		"signature", "credential", "credentials", "passphrase")
}

// secretArgument is secretHeader for an argument of a query, from which APISIX's plugins
// take credentials as well: key-auth, jwt-auth, and the Admin API itself.
func secretArgument(name string) bool {
	switch {
	case is(name, "key"), is(name, "auth"), is(name, "sig"), is(name, "pass"), is(name, "pwd"):
		return true
	}
	return secretHeader(name)
}

func is(name, word string) bool { return strings.EqualFold(name, word) }

func endsIn(name string, words ...string) bool {
	for _, w := range words {
		if n := len(name) - len(w); n >= 0 && strings.EqualFold(name[n:], w) {
			return true
		}
	}
	return false
}

// HideURL hides the secrets of a URL, of its path and query alone, or of a text with one in
// it: a password before the host, and arguments of the query or the fragment that are
// credentials by name. Where there are none it returns s itself.
func HideURL(s string) string {
	s = hidePassword(s)
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		if rest := HideQuery(s[i:]); len(rest) != len(s)-i || rest != s[i:] {
			return s[:i] + rest
		}
	}
	return s
}

// hidePassword hides a password as in https://user:password@host/.
func hidePassword(s string) string {
	for from := 0; ; {
		i := strings.Index(s[from:], "://")
		if i < 0 {
			return s
		}
		from += i + len("://")
		end := len(s)
		if n := strings.IndexAny(s[from:], "/?# \t\"'<>"); n >= 0 {
			end = from + n
		}
		at := strings.LastIndexByte(s[from:end], '@')
		if at < 0 {
			continue
		}
		if colon := strings.IndexByte(s[from:from+at], ':'); colon >= 0 {
			s = s[:from+colon+1] + Hidden + s[from+at:]
		}
	}
}

// HideQuery hides the values of a query's arguments that are credentials by name. Arguments are
// what "&", ";", "?", "#" and blanks part.
func HideQuery(s string) string {
	if !strings.Contains(s, "=") {
		return s
	}
	var b []byte
	done, from := 0, 0 // up to where s is in b, and where the argument begins
	for from < len(s) {
		end := len(s)
		if n := strings.IndexAny(s[from:], "&;?# \t"); n >= 0 {
			end = from + n
		}
		name, _, ok := strings.Cut(s[from:end], "=")
		if ok && len(name)+1 < end-from && secretArgument(plainName(name)) {
			b = append(b, s[done:from+len(name)+1]...)
			b = append(b, Hidden...)
			done = end
		}
		from = end + 1
	}
	if done == 0 {
		return s
	}
	return string(append(b, s[done:]...))
}

// plainName decodes an argument's name, for whoever writes it as api%5Fkey is understood.
func plainName(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			b.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
