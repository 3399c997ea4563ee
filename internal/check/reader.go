package check

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/apisixscope/apisixscope/logs"
)

// reader reads nodes of YAML, and keeps the first thing that is wrong.
type reader struct {
	path   string
	env    func(string) (string, bool)
	hidden secrets
	err    error
}

// fields are the keys of an object, and what reads their values.
type fields map[string]func(*yaml.Node)

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%s:%d:%d: %s", r.path, n.Line, n.Column, r.hidden.hide(fmt.Sprintf(format, args...)))
	}
}

// object reads an object that has these keys and no others.
func (r *reader) object(n *yaml.Node, what string, known fields) {
	r.pairsOf(n, func(key, value *yaml.Node) {
		read := known[key.Value]
		if read == nil {
			names := slices.Sorted(maps.Keys(known))
			r.fail(key, "%s has no %q%s: it has %s", what, key.Value, nearest(key.Value, names), strings.Join(names, ", "))
			return
		}
		read(value)
	})
}

// pairsOf reads the keys of an object, none of them twice.
func (r *reader) pairsOf(n *yaml.Node, read func(key, value *yaml.Node)) {
	n = r.real(n)
	if n.Kind != yaml.MappingNode {
		r.fail(n, "here must be keys with values: got %s", describe(n))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content) && r.err == nil; i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			r.fail(key, "a key must be a word")
			return
		}
		if seen[key.Value] {
			r.fail(key, "%q is there twice", key.Value)
			return
		}
		seen[key.Value] = true
		read(key, n.Content[i+1])
	}
}

// real follows an alias to what it stands for.
func (r *reader) real(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "keys with values"
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	return strconv.Quote(n.Value)
}

// list reads a list.
func (r *reader) list(n *yaml.Node, read func(*yaml.Node)) {
	n = r.real(n)
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "here must be a list: got %s", describe(n))
		return
	}
	for _, item := range n.Content {
		if r.err == nil {
			read(item)
		}
	}
}

// each reads a list, or a single value as one.
func (r *reader) each(n *yaml.Node, read func(*yaml.Node)) {
	if n = r.real(n); n.Kind == yaml.SequenceNode {
		r.list(n, read)
		return
	}
	read(n)
}

var variable = regexp.MustCompile(`\$?\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// text reads a word, with what ${NAME} stands for in it. $${NAME} stands for ${NAME}.
func (r *reader) text(n *yaml.Node) string {
	n = r.real(n)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.fail(n, "here must be a text: got %s", describe(n))
		return ""
	}
	return variable.ReplaceAllStringFunc(n.Value, func(word string) string {
		if after, escaped := strings.CutPrefix(word, "$$"); escaped {
			return "$" + after
		}
		name := word[2 : len(word)-1]
		value, known := r.env(name)
		if !known {
			r.fail(n, "the environment has no %s", name)
		}
		r.hidden.add(name, value)
		return value
	})
}

// written is how a word stands in the file, which may be told.
func (r *reader) written(n *yaml.Node) string { return r.real(n).Value }

func (r *reader) word(n *yaml.Node) Word {
	w := Word{Text: r.text(n), Line: n.Line, written: r.written(n)}
	if w.Text == "" {
		r.fail(n, "here must be a name")
	}
	return w
}

func (r *reader) url(n *yaml.Node) string {
	s := r.text(n)
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		r.fail(n, "%q is no URL: write http://127.0.0.1:9080/orders", logs.HideURL(r.written(n)))
	}
	return s
}

func (r *reader) period(n *yaml.Node) time.Duration {
	d, err := time.ParseDuration(r.text(n))
	if err != nil || d <= 0 {
		r.fail(n, "%q is not a length of time: write 200ms, 30s or 5m", r.written(n))
	}
	return d
}

func (r *reader) number(n *yaml.Node, least, most int) int {
	v, err := strconv.Atoi(r.text(n))
	if err != nil || v < least || v > most {
		r.fail(n, "here must be a whole number from %d to %d: got %q", least, most, r.written(n))
	}
	return v
}

func (r *reader) truth(n *yaml.Node) bool {
	v, err := strconv.ParseBool(r.text(n))
	if err != nil {
		r.fail(n, "here must be true or false: got %q", r.written(n))
	}
	return v
}

// pairs reads names and what is to be there: a value, or /a pattern/.
func (r *reader) pairs(n *yaml.Node) (all []Pair) {
	r.pairsOf(n, func(key, value *yaml.Node) {
		p := Pair{Name: key.Value, Line: key.Line, Value: r.text(value), written: r.written(value)}
		if in, ok := strings.CutPrefix(p.Value, "/"); ok && strings.HasSuffix(in, "/") && len(in) > 1 {
			var err error
			if p.Pattern, err = regexp.Compile(strings.TrimSuffix(in, "/")); err != nil {
				r.fail(value, "%v", err)
			}
		}
		all = append(all, p)
	})
	return all
}

func (r *reader) condition(n *yaml.Node) Condition {
	c, err := parseCondition(r.text(n))
	if err != nil {
		r.fail(n, "%v", err)
	}
	c.Text, c.Line = strings.TrimSpace(r.written(n)), n.Line
	return c
}

// nearest proposes the word that was meant, if one is near.
func nearest(word string, known []string) string {
	best, at := "", 3 // more than two letters wrong is another word
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < at {
			best, at = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (%s?)", best)
}

// distance is Levenshtein's: how many letters to add, to leave out or to change.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := last
			if a[i] != b[j] {
				change++
			}
			last = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
