package apisix

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"
	"go.yaml.in/yaml/v3"
)

// YAML writes JSON anew as YAML, members in their order. What a terminal would obey is escaped.
func YAML(json []byte) ([]byte, error) {
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(node(gjson.ParseBytes(json))); err != nil {
		return nil, err
	}
	if err := e.Close(); err != nil {
		return nil, err
	}
	// The encoder takes some characters for printable that change the reading direction. Node
	// put all of them into double quotes.
	return []byte(escapeUndrawn(out.String())), nil
}

func node(v gjson.Result) *yaml.Node {
	switch {
	case v.IsObject():
		n := &yaml.Node{Kind: yaml.MappingNode}
		v.ForEach(func(name, member gjson.Result) bool {
			n.Content = append(n.Content, words(name.String()), node(member))
			return true
		})
		return n
	case v.IsArray():
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range v.Array() {
			n.Content = append(n.Content, node(item))
		}
		return n
	case v.Type == gjson.String:
		return words(v.String())
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: v.Raw}
}

// words is a string, quoted where YAML would read something else.
func words(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if strings.ContainsFunc(s, undrawn) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// undrawn reports whether a terminal draws nothing for r, and might obey it. Joiners make up
// emoji and Indic and Persian words.
func undrawn(r rune) bool {
	return r != '\n' && r != '\u200c' && r != '\u200d' && !unicode.IsGraphic(r)
}

func escapeUndrawn(s string) string {
	if !strings.ContainsFunc(s, undrawn) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !undrawn(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
