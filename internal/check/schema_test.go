package check_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/apisixscope/apisixscope/internal/check"
	"github.com/apisixscope/apisixscope/internal/testrig"
)

// TestSchemaPublished compares docs/ with what the command prints.
func TestSchemaPublished(t *testing.T) {
	testrig.Golden(t, "../../../docs/check.schema.json", check.Schema)
}

// A schema is as much of JSON Schema as ours is written in.
type schema struct {
	Schema, Title, Description string
	Ref                        string  `json:"$ref"`
	ID                         string  `json:"$schema"`
	Type                       any     // a word, or a list
	Pattern                    *string // of a text
	Minimum, Maximum           *float64
	AnyOf                      []*schema
	Items                      *schema
	Properties                 map[string]*schema
	Required                   []string
	AdditionalProperties       any                // false, or a schema
	Defs                       map[string]*schema `json:"$defs"`
}

func readSchema(t *testing.T) *schema {
	t.Helper()
	s := &schema{}
	in := json.NewDecoder(strings.NewReader(check.Schema))
	in.DisallowUnknownFields() // what is not understood here is not tested
	if err := in.Decode(s); err != nil {
		t.Fatal(err)
	}
	return s
}

// refuses says what a schema has against a value, or "".
func (root *schema) refuses(s *schema, at string, v any) string {
	if s.Ref != "" {
		if why := root.refuses(root.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")], at, v); why != "" {
			return why
		}
	}
	if len(s.AnyOf) > 0 && !slices.ContainsFunc(s.AnyOf, func(a *schema) bool { return root.refuses(a, at, v) == "" }) {
		return at + ": none of anyOf"
	}
	if !s.hasType(v) {
		return fmt.Sprintf("%s: type of %v", at, v)
	}
	switch v := v.(type) {
	case string:
		if s.Pattern != nil && !regexp.MustCompile(*s.Pattern).MatchString(v) {
			return at + ": pattern"
		}
	case int:
		if s.Minimum != nil && float64(v) < *s.Minimum || s.Maximum != nil && float64(v) > *s.Maximum {
			return at + ": range"
		}
	case []any:
		for i := range v {
			if s.Items == nil {
				break
			}
			if why := root.refuses(s.Items, fmt.Sprintf("%s/%d", at, i), v[i]); why != "" {
				return why
			}
		}
	case map[string]any:
		return root.refusesObject(s, at, v)
	}
	return ""
}

func (root *schema) refusesObject(s *schema, at string, v map[string]any) string {
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			return at + ": lacks " + name
		}
	}
	for name, value := range v {
		below := s.Properties[name]
		if extra, ok := s.AdditionalProperties.(bool); below == nil && ok && !extra {
			return at + ": has " + name
		}
		if below == nil {
			if below = s.additional(); below == nil {
				continue
			}
		}
		if why := root.refuses(below, at+"/"+name, value); why != "" {
			return why
		}
	}
	return ""
}

func (s *schema) additional() *schema {
	if m, ok := s.AdditionalProperties.(map[string]any); ok {
		return &schema{Ref: m["$ref"].(string)}
	}
	return nil
}

func (s *schema) hasType(v any) bool {
	var types []any
	switch t := s.Type.(type) {
	case nil:
		return true
	case string:
		types = []any{t}
	case []any:
		types = t
	}
	is := map[string]bool{}
	switch v.(type) {
	case string:
		is["string"] = true
	case int:
		is["integer"], is["number"] = true, true
	case float64:
		is["number"] = true
	case bool:
		is["boolean"] = true
	case []any:
		is["array"] = true
	case map[string]any:
		is["object"] = true
	}
	return slices.ContainsFunc(types, func(t any) bool { return is[t.(string)] })
}

// beyondSchema are wrong files that no schema can tell from good ones.
var beyondSchema = []string{"bad-ca", "bad-format", "bad-header", "bad-header-host", "bad-header-value", "bad-names", "bad-pattern",
	"bad-share", "bad-share-large", "bad-source", "bad-unit", "bad-variable", "bad-filter", "bad-secret"}

// TestSchemaAgrees has the schema take what the command takes, and refuse what it refuses.
func TestSchemaAgrees(t *testing.T) {
	root := readSchema(t)
	files, _ := filepath.Glob("../../cmd/testdata/check/*.yaml")
	good, bad := 0, 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		var v any
		if yaml.Unmarshal(data, &v) != nil || slices.Contains(beyondSchema, name) || strings.Contains(string(data), "\n---") {
			continue // an editor tells of the syntax itself
		}
		why := root.refuses(root, "", v)
		if wrong := strings.HasPrefix(name, "bad-"); wrong {
			bad++
			if why == "" {
				t.Errorf("%s: the schema takes it", name)
			}
		} else {
			good++
			if why != "" {
				t.Errorf("%s: the schema refuses it: %s", name, why)
			}
		}
	}
	if good < 30 || bad < 12 {
		t.Errorf("%d good files and %d bad ones", good, bad)
	}
}

// TestSchemaKeys compares the keys with those that the reader names in its errors.
func TestSchemaKeys(t *testing.T) {
	root := readSchema(t)
	for _, c := range []struct {
		file string
		of   *schema
	}{
		{"{x: 1}", root},
		{"requests: [{x: 1}]", root.Defs["request"]},
		{"requests: [{expect: {x: 1}}]", root.Defs["request"].Properties["expect"]},
		{"observe: [{x: 1}]", root.Defs["observe"]},
	} {
		_, err := check.Read("f", []byte(c.file), os.LookupEnv)
		if err == nil {
			t.Fatalf("%s is read", c.file)
		}
		_, list, _ := strings.Cut(err.Error(), "it has ")
		want := strings.Split(list, ", ")
		if got := slices.Sorted(maps.Keys(c.of.Properties)); !slices.Equal(got, want) {
			t.Errorf("%s: the schema has %v, the reader %v", c.file, got, want)
		}
	}
}
