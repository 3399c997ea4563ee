package apisix

import (
	"regexp"
	"slices"
	"strings"
)

// What counts as a secret is decided by names, for APISIX does not tell: its Admin API hands
// out plugins' secrets decrypted. In doubt a value is one.

// Hidden stands where a secret was.
const Hidden = "***"

var (
	secretNames = []string{
		"authorization", "proxy_authorization", "cookie", "set_cookie", "apikey", "x_api_key", "auth", "auth_header",
		"keys", "credential", "credentials", "pass", "passphrase", "key_id", "access_key_id", "signature", "secrets", "tokens",
	}
	secretEnds = []string{
		"token", "secret", "password", "passwd", "passphrase", "_key", "apikey", "accesskey", "secretkey", "privatekey", "_pwd", "_pem",
	}
	// publicKeys are what else ends like a secret.
	publicKeys = []string{"public_key", "cache_key", "hash_key", "partition_key", "routing_key", "rule_key", "object_key", "host_key"}
)

// secretName reports whether what has this name is a secret: a member of an object, a header,
// or an argument of a query.
func secretName(name string) bool {
	n := strings.ReplaceAll(strings.ToLower(name), "-", "_")
	if slices.Contains(publicKeys, n) {
		return false
	}
	return slices.Contains(secretNames, n) || slices.ContainsFunc(secretEnds, func(end string) bool { return strings.HasSuffix(n, end) })
}

// secretVariable is secretName for a variable of nginx, such as http_x_api_key.
func secretVariable(name string) bool {
	for _, prefix := range []string{"http_", "arg_", "cookie_", "post_arg_", "sent_http_", "upstream_http_"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return rest == "key" || secretName(rest)
		}
	}
	return false
}

// harmless reports whether a secret's value only says where the secret is.
func harmless(s string) bool {
	s = strings.ToLower(s)
	return s == "" || strings.HasPrefix(s, "$secret://") || strings.HasPrefix(s, "$env://")
}

var (
	privateKey = regexp.MustCompile(`(?i)-----BEGIN [A-Z0-9 ]*PRIVATE KEY`)
	login      = regexp.MustCompile(`(?i)^\s*(bearer|basic|digest|token)\s+[A-Za-z0-9+/=._~:-]{4,}\s*$`)
	userInfo   = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://[^/?#@\s]*:)[^/?#\s]*@`)
	argument   = regexp.MustCompile(`([?&;])([^=&;?\s]+)=([^&;#\s]+)`)
	headerLine = regexp.MustCompile(`^\s*([A-Za-z0-9_.-]+):\s*\S`)
)

// withoutSecrets hides what looks like a secret inside a value whose name says nothing.
func withoutSecrets(s string) string {
	if privateKey.MatchString(s) {
		return Hidden
	}
	if m := headerLine.FindStringSubmatch(s); m != nil && secretName(m[1]) {
		return m[1] + ": " + Hidden
	}
	if m := login.FindStringSubmatch(s); m != nil {
		return m[1] + " " + Hidden
	}
	s = userInfo.ReplaceAllString(s, "${1}"+Hidden+"@")
	return argument.ReplaceAllStringFunc(s, func(found string) string {
		m := argument.FindStringSubmatch(found)
		if m[2] != "key" && !secretName(m[2]) {
			return found
		}
		return m[1] + m[2] + "=" + Hidden
	})
}
