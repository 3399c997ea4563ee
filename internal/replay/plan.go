package replay

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"
	"unicode"
)

// A plan says how the values of a struct type are written: each field that is not zero, by
// its name in snake_case. Types that come later need no code.
type plan struct {
	fields []field
	byName map[string]int // index into fields
}

type field struct {
	name  string
	index int
	kind  kind
}

// kind is how a value is written.
type kind uint8

const (
	kindBool    kind = iota
	kindInt          // durations too, in nanoseconds
	kindUint         //
	kindFloat        //
	kindString       //
	kindBytes        // []byte, in base64
	kindID           // [n]byte, in hex
	kindTime         // RFC 3339
	kindText         // what has a text of its own, such as netip.AddrPort
	kindStruct       //
	kindPointer      // to a struct
	kindSlice        // of any of these
	kindArray        // of numbers, such as counts
	kindMap          // of strings to anything
)

var (
	plans    sync.Map // reflect.Type -> *plan
	timeType = reflect.TypeFor[time.Time]()
	textType = reflect.TypeFor[encoding.TextMarshaler]()
)

// planOf returns the plan of a struct type. A type that cannot be written is a fault of the
// program, and found by any test that writes one.
func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p := &plan{byName: map[string]int{}}
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		p.byName[snake(f.Name)] = len(p.fields)
		p.fields = append(p.fields, field{name: snake(f.Name), index: i, kind: kindOf(f.Type)})
	}
	plans.Store(t, p)
	return p
}

func kindOf(t reflect.Type) kind {
	switch {
	case t == timeType:
		return kindTime
	case t.Implements(textType):
		return kindText
	}
	switch t.Kind() {
	case reflect.Bool:
		return kindBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return kindInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return kindUint
	case reflect.Float64:
		return kindFloat
	case reflect.String:
		return kindString
	case reflect.Struct:
		return kindStruct
	case reflect.Pointer:
		if t.Elem().Kind() == reflect.Struct {
			return kindPointer
		}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return kindBytes
		}
		return kindSlice
	case reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return kindID
		}
		return kindArray
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return kindMap
		}
	}
	panic(fmt.Sprintf("replay: a %v cannot be written", t))
}

// snake makes trace_id of TraceID, and tcp_seq of TCPSeq.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		upper := unicode.IsUpper(r)
		if upper && i > 0 && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
