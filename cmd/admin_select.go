package cmd

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/pflag"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/hint"
)

// selection is which resources of a list to keep. It is done here and not by the Admin API,
// of which some versions have no filters, and none compares the value of a label.
type selection struct {
	name, uri expression
	labels    labels
}

func (s *selection) addFlags(f *pflag.FlagSet) {
	f.Var(&s.name, "name", "keep those whose name matches this regular expression")
	f.Var(&s.labels, "label", "keep those with this label; with =V, of this value")
	f.Var(&s.uri, "uri", "keep routes one of whose uris matches this regular expression")
}

func (s *selection) any() bool {
	return s.name.Regexp != nil || s.uri.Regexp != nil || len(s.labels) > 0
}

// check refuses filters that nothing of the kind can pass.
func (s *selection) check(kind apisix.Kind) error {
	switch {
	case s.uri.Regexp != nil && kind != apisix.Routes:
		return hint.Misuse(fmt.Errorf("--uri: %s have no uri", kind))
	case len(s.labels) > 0 && (kind == apisix.Plugins || kind == apisix.PluginMetadata || kind == apisix.Secrets):
		return hint.Misuse(fmt.Errorf("--label: %s have no labels", kind))
	}
	return nil
}

func (s *selection) keep(r *apisix.Resource) bool {
	if s.name.Regexp != nil {
		name := r.Name()
		if r.Kind == apisix.PluginMetadata {
			name = r.ID
		}
		if !s.name.MatchString(name) {
			return false
		}
	}
	return s.labels.match(r) && (s.uri.Regexp == nil || s.anyURI(r))
}

func (s *selection) anyURI(r *apisix.Resource) bool {
	if uri := r.Value("uri"); uri.Exists() && s.uri.MatchString(uri.String()) {
		return true
	}
	for _, uri := range r.Value("uris").Array() {
		if s.uri.MatchString(uri.String()) {
			return true
		}
	}
	return false
}

// expression is a flag for a regular expression.
type expression struct{ *regexp.Regexp }

func (e *expression) Set(word string) error {
	re, err := regexp.Compile(word)
	if err != nil {
		return fmt.Errorf("%q is not a regular expression: %w", word, reason(err))
	}
	e.Regexp = re
	return nil
}

// reason leaves out what the error says of the expression, which is said already.
func reason(err error) error {
	_, why, found := strings.Cut(err.Error(), "error parsing regexp: ")
	if !found {
		return err
	}
	return errors.New(why)
}

func (e *expression) String() string {
	if e.Regexp == nil {
		return ""
	}
	return e.Regexp.String()
}
func (e *expression) Type() string { return "RE" }

// labels is a flag for labels; each must be there.
type labels []label

type label struct {
	key, value string
	exact      bool // the value counts
}

func (l *labels) Set(word string) error {
	key, value, exact := strings.Cut(word, "=")
	if key == "" {
		return fmt.Errorf("%q is not a label: write KEY or KEY=VALUE", word)
	}
	*l = append(*l, label{key, value, exact})
	return nil
}

func (l *labels) String() string {
	var words []string
	for _, x := range *l {
		word := x.key
		if x.exact {
			word += "=" + x.value
		}
		words = append(words, word)
	}
	return strings.Join(words, ",")
}
func (l *labels) Type() string { return "K[=V]" }

func (l *labels) match(r *apisix.Resource) bool {
	if len(*l) == 0 {
		return true
	}
	has := r.Value("labels").Map() // not a path: a key may hold dots
	for _, want := range *l {
		value, ok := has[want.key]
		if !ok || want.exact && value.String() != want.value {
			return false
		}
	}
	return true
}
