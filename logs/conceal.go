package logs

import (
	"bytes"
	"slices"

	"github.com/apisixscope/apisixscope/trace"
)

// Conceal hides the secrets of a request in x itself, for whoever keeps it: what a View
// without Secrets shows of x is the same as before. What Logged and Headers point to is left
// as it is: x gets its own. Bodies stay, for they are shown as they are.
func Conceal(x *trace.Exchange) {
	x.Path, x.Query = HideURL(x.Path), HideQuery(x.Query)
	x.HeaderValues = nil // nobody knows of which headers they are
	if x.Logged != nil {
		l := *x.Logged
		l.Line, l.Referer, l.UpstreamURI = HideURL(l.Line), HideURL(l.Referer), HideURL(l.UpstreamURI)
		x.Logged = &l
	}
	if x.Headers != nil {
		h := *x.Headers
		for _, head := range []*trace.Head{&h.Request, &h.UpstreamRequest, &h.UpstreamResponse, &h.Response} {
			head.Fields = slices.Clone(head.Fields)
			for i := range head.Fields {
				head.Fields[i].Value = hiding.Value(&head.Fields[i])
			}
		}
		x.Headers = &h
	}
	x.Asked, x.Answered = concealHead(x.Asked), concealHead(x.Answered)
}

// hiding shows no secrets.
var hiding = &View{}

// concealHead returns a message of HTTP/1 whose head has no secrets. Of anything else, and of
// a head that is not whole, nothing is left: what is in it is not known.
func concealHead(message []byte) []byte {
	head, body, whole := bytes.Cut(message, []byte("\r\n\r\n"))
	line, fields, _ := bytes.Cut(head, []byte("\r\n"))
	if !whole || !bytes.Contains(line, []byte("HTTP/1.")) {
		return nil
	}
	out := append(make([]byte, 0, len(message)), HideURL(string(line))...)
	for field := range bytes.SplitSeq(fields, []byte("\r\n")) {
		name, value, ok := bytes.Cut(field, []byte(":"))
		if !ok {
			continue // none that a body's reader asks for
		}
		f := trace.Field{Name: string(bytes.TrimSpace(name)), Value: string(bytes.TrimSpace(value))}
		out = append(append(out, "\r\n"+f.Name+": "...), hiding.Value(&f)...)
	}
	return append(append(out, "\r\n\r\n"...), body...)
}
