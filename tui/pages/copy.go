package pages

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
	"github.com/apisixscope/apisixscope/tui"
)

// copyRequest puts a request into the clipboard. Of headers, secrets stay hidden.
func copyRequest(s *tui.State, x *trace.Exchange, asJSON bool) {
	if !asJSON {
		s.Ask(tui.CopyText{What: "the request as curl", Text: Curl(x)})
		return
	}
	var b bytes.Buffer
	sink, err := render.Trace("json", &b, render.Options{})
	if err == nil {
		err = sink.Show(x)
	}
	if err == nil {
		err = sink.Close()
	}
	if err != nil {
		s.Ask(tui.Say{Text: "copy: " + err.Error(), Bad: true})
		return
	}
	s.Ask(tui.CopyText{What: "the request as JSON", Text: b.String()})
}

// Curl writes a command that sends a request again, to the same gateway. It has no body: of
// that nothing is known.
func Curl(x *trace.Exchange) string {
	scheme := "http"
	if x.TLS {
		scheme = "https"
	}
	host := cmp.Or(x.Host, "localhost")
	if x.Logged != nil && x.Logged.HTTPHost != "" {
		host = x.Logged.HTTPHost
	}
	url := scheme + "://" + host + x.Path
	if x.Query != "" {
		url += "?" + x.Query
	}
	words := []string{"curl"}
	switch x.Method {
	case "GET", "":
	case "HEAD":
		words = append(words, "-I")
	default:
		words = append(words, "-X", quote(x.Method))
	}
	if x.Server.IsValid() {
		words = append(words, "--connect-to", quote("::"+x.Server.String()))
	}
	words = append(words, quote(url))
	if x.Headers != nil {
		view := logs.View{Headers: logs.Selection{All: true}}
		for name, value := range view.Shown(&x.Headers.Request) {
			switch strings.ToLower(name) {
			case "host", "content-length", "connection", "transfer-encoding", "expect":
				continue // curl's own affair
			}
			words = append(words, "-H", quote(name+": "+value))
		}
	}
	return strings.Join(words, " ")
}

// quote writes a word for a POSIX shell. What is no printable text is spelled out, as bash,
// zsh and ksh read it: a clipboard with a line end in it would run in the shell.
func quote(s string) string {
	plain := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			plain = false
		}
	}
	if plain {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\'' || c == '\\':
			b.WriteString(`\` + string(rune(c)))
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + "'"
}
