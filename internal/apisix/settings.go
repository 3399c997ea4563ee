package apisix

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/apisixscope/apisixscope/internal/hint"
)

// settings are layers of YAML; the first that has a value counts.
type settings struct {
	layers  []map[string]any
	environ map[string]string // of the gateway; nil where it cannot be read
	err     error             // of the first value that could not be resolved
	assumed []string          // the variables that have their defaults, for want of a value
}

func (s *settings) add(data []byte) error {
	if data == nil {
		return nil
	}
	var layer map[string]any
	if err := yaml.Unmarshal(data, &layer); err != nil {
		// The error of the library repeats the text, which may be the key.
		return fmt.Errorf("not YAML%s", lineOf(err))
	}
	s.layers = append(s.layers, layer)
	return nil
}

var yamlLine = regexp.MustCompile(`line \d+`)

func lineOf(err error) string {
	if line := yamlLine.FindString(err.Error()); line != "" {
		return " in " + line
	}
	return ""
}

// at is a member of a mapping; nil where there is none.
func at(v any, names ...string) any {
	for _, name := range names {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

// get is the value at a path, of the first layer that has one.
func (s *settings) get(path ...string) any {
	for _, layer := range s.layers {
		if v := at(layer, path...); v != nil {
			return v
		}
	}
	return nil
}

func (s *settings) has(path ...string) bool { return s.get(path...) != nil }

// items is the list at a path.
func (s *settings) items(path ...string) []any {
	list, _ := s.get(path...).([]any)
	return list
}

// text is the scalar at a path; empty where there is none.
func (s *settings) text(path ...string) string {
	word, err := s.resolve(s.get(path...))
	if err != nil && s.err == nil {
		s.err = err
	}
	return word
}

// placeholder is ${{NAME}} or ${{NAME:=default}}: see apisix/cli/file.lua.
var placeholder = regexp.MustCompile(`\$\{\{\s*(\w+)\s*(:=.*?)?\s*\}\}`)

// resolve is a scalar as a word, with the variables of the gateway's environment in place.
func (s *settings) resolve(v any) (string, error) {
	var word string
	switch v := v.(type) {
	case nil, map[string]any, []any:
		return "", nil
	case string:
		word = v
	default:
		word = fmt.Sprint(v)
	}
	var err error
	word = placeholder.ReplaceAllStringFunc(word, func(found string) string {
		m := placeholder.FindStringSubmatch(found)
		if value, ok := s.environ[m[1]]; ok {
			return value
		}
		if usual, ok := strings.CutPrefix(m[2], ":="); ok {
			s.assumed = append(s.assumed, m[1])
			return usual
		}
		err = hint.Wrap(fmt.Errorf("it takes a value from ${{%s}}, and the gateway's environment does not show that variable", m[1]),
			"nginx overwrites the environment that others see: give the address with --admin, the key with APISIX_ADMIN_KEY or --admin-key-file")
		return ""
	})
	return word, err
}
