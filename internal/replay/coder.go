package replay

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/apisixscope/apisixscope/trace"
)

// A coder writes values of one type as JSON, and reads them back. What a type has is found
// out once, when its coder is made: a field that somebody adds is not forgotten.
type coder struct {
	// zero reports whether a value need not be told.
	zero func(reflect.Value) bool
	// write appends a value, which is addressable.
	write func([]byte, reflect.Value) []byte
	// read sets a value that is zero.
	read func(*scanner, reflect.Value)
}

// field is one of a struct's.
type field struct {
	name  string
	key   string // its name in quotes, with a colon
	index int
	coder
}

// mostElements bounds the lists of a line: each of their elements may be a few bytes there,
// and hundreds in memory.
const mostElements = 4096

// newCoder makes the coder of a type. It panics for one that has no form, which is a mistake
// in this program.
func newCoder(t reflect.Type) coder {
	if c, ok := special[t]; ok {
		return c
	}
	switch t.Kind() {
	case reflect.Bool:
		return coder{zero: reflect.Value.IsZero, write: appendBool, read: func(s *scanner, v reflect.Value) { v.SetBool(s.boolean()) }}
	case reflect.Int, reflect.Int64:
		return coder{
			zero:  func(v reflect.Value) bool { return v.Int() == 0 },
			write: func(b []byte, v reflect.Value) []byte { return strconv.AppendInt(b, v.Int(), 10) },
			read:  func(s *scanner, v reflect.Value) { v.SetInt(s.integer()) },
		}
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		return coder{
			zero:  func(v reflect.Value) bool { return v.Uint() == 0 },
			write: func(b []byte, v reflect.Value) []byte { return strconv.AppendUint(b, v.Uint(), 10) },
			read:  func(s *scanner, v reflect.Value) { v.SetUint(s.unsigned(t.Bits())) },
		}
	case reflect.String:
		return coder{
			zero:  func(v reflect.Value) bool { return v.Len() == 0 },
			write: func(b []byte, v reflect.Value) []byte { return appendString(b, v.String()) },
			read:  func(s *scanner, v reflect.Value) { v.SetString(s.text()) },
		}
	case reflect.Pointer:
		return pointerCoder(newCoder(t.Elem()), t)
	case reflect.Struct:
		return structCoder(t)
	case reflect.Slice:
		return sliceCoder(newCoder(t.Elem()), t)
	case reflect.Array:
		return arrayCoder(newCoder(t.Elem()), t)
	case reflect.Map:
		return mapCoder(newCoder(t.Elem()))
	}
	panic(fmt.Sprintf("replay: %v has no form in JSON", t))
}

// special are types with a form of their own.
var special = map[reflect.Type]coder{
	reflect.TypeFor[time.Time](): {
		zero:  func(v reflect.Value) bool { return at[time.Time](v).IsZero() },
		write: func(b []byte, v reflect.Value) []byte { return appendTime(b, *at[time.Time](v)) },
		read:  func(s *scanner, v reflect.Value) { *at[time.Time](v) = s.time() },
	},
	reflect.TypeFor[netip.AddrPort](): {
		zero: func(v reflect.Value) bool { return !at[netip.AddrPort](v).IsValid() },
		write: func(b []byte, v reflect.Value) []byte {
			return append(at[netip.AddrPort](v).AppendTo(append(b, '"')), '"')
		},
		read: func(s *scanner, v reflect.Value) { *at[netip.AddrPort](v) = s.address() },
	},
	reflect.TypeFor[[]byte](): {
		zero: reflect.Value.IsNil,
		write: func(b []byte, v reflect.Value) []byte {
			return append(base64.StdEncoding.AppendEncode(append(b, '"'), v.Bytes()), '"')
		},
		read: func(s *scanner, v reflect.Value) { v.SetBytes(s.bytes()) },
	},
	reflect.TypeFor[trace.TraceID](): hexCoder(func(v reflect.Value) []byte { return at[trace.TraceID](v)[:] }),
	reflect.TypeFor[trace.SpanID]():  hexCoder(func(v reflect.Value) []byte { return at[trace.SpanID](v)[:] }),
	reflect.TypeFor[trace.Mark](): {
		zero:  func(v reflect.Value) bool { return v.Uint() == 0 },
		write: func(b []byte, v reflect.Value) []byte { return appendString(b, string([]byte{byte(v.Uint())})) },
		read:  func(s *scanner, v reflect.Value) { v.SetUint(uint64(s.letter())) },
	},
}

// at is where an addressable value is, which is told without a copy.
func at[T any](v reflect.Value) *T { return v.Addr().Interface().(*T) }

func hexCoder(bytes func(reflect.Value) []byte) coder {
	return coder{
		zero: reflect.Value.IsZero,
		write: func(b []byte, v reflect.Value) []byte {
			return append(hex.AppendEncode(append(b, '"'), bytes(v)), '"')
		},
		read: func(s *scanner, v reflect.Value) { s.hex(bytes(v)) },
	}
}

func appendBool(b []byte, v reflect.Value) []byte { return strconv.AppendBool(b, v.Bool()) }

func appendTime(b []byte, t time.Time) []byte {
	return append(t.AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

// pointerCoder tells nil from a pointer to nothing much.
func pointerCoder(of coder, t reflect.Type) coder {
	return coder{
		zero:  reflect.Value.IsNil,
		write: func(b []byte, v reflect.Value) []byte { return of.write(b, v.Elem()) },
		read: func(s *scanner, v reflect.Value) {
			p := reflect.New(t.Elem())
			of.read(s, p.Elem())
			v.Set(p)
		},
	}
}

// structCoder leaves out what is zero. Names that it does not know are of a later program:
// they are passed over.
func structCoder(t reflect.Type) coder {
	var fields []field
	for f := range t.Fields() {
		if !f.IsExported() {
			panic(fmt.Sprintf("replay: %v.%s cannot be told", t, f.Name))
		}
		name := snake(f.Name)
		fields = append(fields, field{name, `"` + name + `":`, f.Index[0], newCoder(f.Type)})
	}
	return coder{
		zero: reflect.Value.IsZero,
		write: func(b []byte, v reflect.Value) []byte {
			b = append(b, '{')
			for i := range fields {
				f := &fields[i]
				part := v.Field(f.index)
				if f.zero(part) {
					continue
				}
				b = append(f.write(append(b, f.key...), part), ',')
			}
			return shut(b, '}')
		},
		read: func(s *scanner, v reflect.Value) { readStruct(s, v, fields) },
	}
}

func readStruct(s *scanner, v reflect.Value, fields []field) {
	next := 0 // they come in order, with gaps, and without blanks
	s.want('{')
	for first := true; s.err == nil; first = false {
		if s.peek() == '}' {
			s.pos++
			return
		}
		if !first {
			s.want(',')
		}
		for next < len(fields) && !strings.HasPrefix(s.line[s.pos:], fields[next].key) {
			next++
		}
		if next < len(fields) {
			s.pos += len(fields[next].key)
		} else {
			name := s.text()
			s.want(':')
			next = slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		}
		switch {
		case s.err != nil:
		case next < 0:
			s.skip()
		default:
			fields[next].read(s, v.Field(fields[next].index))
		}
		next++
	}
}

// sliceCoder tells nil from an empty slice.
func sliceCoder(of coder, t reflect.Type) coder {
	return coder{
		zero: reflect.Value.IsNil,
		write: func(b []byte, v reflect.Value) []byte {
			b = append(b, '[')
			for i := range v.Len() {
				b = append(of.write(b, v.Index(i)), ',')
			}
			return shut(b, ']')
		},
		read: func(s *scanner, v reflect.Value) {
			v.Set(reflect.MakeSlice(t, 0, 0))
			s.array(func(i int) {
				if i >= mostElements {
					s.fail("a list has more than %d elements", mostElements)
					return
				}
				if i == v.Cap() {
					v.Grow(max(i, 4))
				}
				v.SetLen(i + 1)
				of.read(s, v.Index(i))
			})
		},
	}
}

// arrayCoder leaves out what is zero at the end.
func arrayCoder(of coder, t reflect.Type) coder {
	return coder{
		zero: reflect.Value.IsZero,
		write: func(b []byte, v reflect.Value) []byte {
			n := v.Len()
			for n > 0 && of.zero(v.Index(n-1)) {
				n--
			}
			b = append(b, '[')
			for i := range n {
				b = append(of.write(b, v.Index(i)), ',')
			}
			return shut(b, ']')
		},
		read: func(s *scanner, v reflect.Value) {
			s.array(func(i int) {
				if i >= t.Len() {
					s.fail("a list has more than %d elements", t.Len())
					return
				}
				of.read(s, v.Index(i))
			})
		},
	}
}

// mapCoder is for counts by cause, of which there are a few.
func mapCoder(of coder) coder {
	return coder{
		zero: reflect.Value.IsNil,
		write: func(b []byte, v reflect.Value) []byte {
			keys := v.MapKeys()
			slices.SortFunc(keys, func(x, y reflect.Value) int { return strings.Compare(x.String(), y.String()) })
			b = append(b, '{')
			for _, key := range keys {
				b = append(appendString(b, key.String()), ':')
				b = append(of.write(b, v.MapIndex(key)), ',')
			}
			return shut(b, '}')
		},
		read: func(s *scanner, v reflect.Value) {
			v.Set(reflect.MakeMap(v.Type()))
			s.object(func(name string) {
				if v.Len() >= mostElements {
					s.fail("an object has more than %d members", mostElements)
					return
				}
				value := reflect.New(v.Type().Elem()).Elem()
				of.read(s, value)
				v.SetMapIndex(reflect.ValueOf(strings.Clone(name)), value)
			})
		},
	}
}

// shut ends an object or a list.
func shut(b []byte, end byte) []byte {
	if b[len(b)-1] == ',' {
		b[len(b)-1] = end
		return b
	}
	return append(b, end)
}

// snake writes a field's name as JSON has it: HTTPHost is http_host.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			after := rune(name[i-1])
			before := i+1 < len(name) && unicode.IsLower(rune(name[i+1]))
			if unicode.IsLower(after) || before {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
