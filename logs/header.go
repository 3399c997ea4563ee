package logs

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/apisixscope/apisixscope/trace"
)

// Selection says which headers are shown. The zero Selection is none.
type Selection struct {
	All   bool
	names []string // lower case
}

// Add adds headers by name, in any case; "all" is all of them.
func (s *Selection) Add(words string) error {
	for name := range strings.SplitSeq(words, ",") {
		name = strings.TrimSpace(name)
		if name == "" || strings.ContainsFunc(name, notInName) {
			return fmt.Errorf("%q is not a header's name: write x-tenant, or all", name)
		}
		if strings.EqualFold(name, "all") {
			s.All = true
			continue
		}
		s.names = append(s.names, strings.ToLower(name))
	}
	return nil
}

func notInName(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

// Any reports whether there is something to show.
func (s *Selection) Any() bool { return s.All || len(s.names) > 0 }

// Has reports whether the header of this name is shown.
func (s *Selection) Has(name string) bool {
	return s.All || slices.ContainsFunc(s.names, func(n string) bool { return strings.EqualFold(n, name) })
}

// Shown yields the selected fields of a header section. Secrets are hidden.
func (v *View) Shown(h *trace.Head) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for i := range h.Fields {
			f := &h.Fields[i]
			if v.Headers.Has(f.Name) && !yield(f.Name, v.Value(f)) {
				return
			}
		}
	}
}

// Value returns what is shown of a header's value.
func (v *View) Value(f *trace.Field) string {
	switch {
	case v.Secrets:
		return f.Value
	case secretHeader(f.Name):
		return Hidden
	}
	return HideQuery(hidePassword(f.Value)) // of a URL, or of a query alone
}

// section names one of an exchange's header sections.
type section uint8

const (
	request section = iota
	upstreamRequest
	upstreamResponse
	response
)

func headOf(x *trace.Exchange, s section) *trace.Head {
	if x == nil || x.Headers == nil {
		return nil
	}
	switch s {
	case request:
		return &x.Headers.Request
	case upstreamRequest:
		return &x.Headers.UpstreamRequest
	case upstreamResponse:
		return &x.Headers.UpstreamResponse
	}
	return &x.Headers.Response
}

// headerOf returns a header's value; several are joined by ", ".
func headerOf(x *trace.Exchange, s section, name string) string {
	return joinedHeader(x, s, name, func(f *trace.Field) string { return f.Value })
}

func joinedHeader(x *trace.Exchange, s section, name string, value func(*trace.Field) string) string {
	h := headOf(x, s)
	if h == nil {
		return ""
	}
	found := ""
	for i := range h.Fields {
		if f := &h.Fields[i]; strings.EqualFold(f.Name, name) {
			if found != "" {
				found += ", "
			}
			found += value(f)
		}
	}
	return found
}

// Functions returns what tells the headers of the exchange that e is filled with at the
// time of the call, as far as its View shows secrets.
func (e *Entry) Functions() Functions {
	of := func(s section) func(string) string {
		value := func(f *trace.Field) string { return e.View.Value(f) }
		return func(name string) string { return joinedHeader(e.Exchange, s, name, value) }
	}
	return Functions{
		Header: of(request), ResponseHeader: of(response),
		UpstreamHeader: of(upstreamRequest), UpstreamResponseHeader: of(upstreamResponse),
	}
}
