package replay

import (
	"encoding"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// AppendEvent appends the line of an event, its line break included. Of the kinds of events
// only those have lines that tell what was understood: exchanges, workers, what was lost and
// removed, and notes; of any other it appends nothing.
func AppendEvent(b []byte, e *trace.Event) []byte {
	switch e.Kind {
	case trace.KindExchange:
		b = append(b, `{"exchange":`...)
		b = appendStruct(b, reflect.ValueOf(e.Exchange).Elem())
	case trace.KindWorker:
		b = append(b, `{"worker":`...)
		b = appendStruct(b, reflect.ValueOf(e.Worker).Elem())
	case trace.KindLost:
		b = appendCount(append(b, `{"lost":`...), e.Cause, e.Count)
	case trace.KindRemoved:
		b = appendCount(append(b, `{"removed":`...), e.Cause, e.Count)
	case trace.KindNote:
		b = appendString(append(b, `{"note":`...), e.Note)
	default:
		return b
	}
	return append(b, '}', '\n')
}

func appendCount(b []byte, cause string, n uint64) []byte {
	b = appendString(append(b, `{"cause":`...), cause)
	b = strconv.AppendUint(append(b, `,"count":`...), n, 10)
	return append(b, '}')
}

// Append appends a value of a struct type, all of whose exported fields can be written, as a
// JSON object.
func Append[T any](b []byte, v *T) []byte { return appendStruct(b, reflect.ValueOf(v).Elem()) }

func appendStruct(b []byte, v reflect.Value) []byte {
	b = append(b, '{')
	p := planOf(v.Type())
	for i := range p.fields {
		f := &p.fields[i]
		of := v.Field(f.index)
		if of.IsZero() {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), f.name...), '"', ':')
		b = appendValue(b, of, f.kind)
	}
	return append(b, '}')
}

func appendValue(b []byte, v reflect.Value, k kind) []byte {
	switch k {
	case kindBool:
		return strconv.AppendBool(b, v.Bool())
	case kindInt:
		return strconv.AppendInt(b, v.Int(), 10)
	case kindUint:
		return strconv.AppendUint(b, v.Uint(), 10)
	case kindFloat:
		return strconv.AppendFloat(b, v.Float(), 'g', -1, 64)
	case kindString:
		return appendString(b, v.String())
	case kindBytes:
		b = base64.StdEncoding.AppendEncode(append(b, '"'), v.Bytes())
		return append(b, '"')
	case kindID:
		b = append(b, '"')
		for i := range v.Len() {
			b = hex.AppendEncode(b, []byte{byte(v.Index(i).Uint())})
		}
		return append(b, '"')
	case kindTime:
		b = v.Interface().(time.Time).AppendFormat(append(b, '"'), time.RFC3339Nano)
		return append(b, '"')
	case kindText:
		// What we have of these can be written.
		words, _ := v.Interface().(encoding.TextMarshaler).MarshalText()
		return appendString(b, string(words))
	case kindStruct:
		return appendStruct(b, v)
	case kindPointer:
		if v.IsNil() {
			return append(b, "null"...)
		}
		return appendStruct(b, v.Elem())
	case kindMap:
		return appendMap(b, v)
	}
	return appendList(b, v)
}

// appendList writes a slice, or an array.
func appendList(b []byte, v reflect.Value) []byte {
	b = append(b, '[')
	k := kindOf(v.Type().Elem())
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendValue(b, v.Index(i), k)
	}
	return append(b, ']')
}

func appendMap(b []byte, v reflect.Value) []byte {
	k := kindOf(v.Type().Elem())
	values := map[string]reflect.Value{}
	for key, value := range v.Seq2() {
		values[key.String()] = value
	}
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(values)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, key), ':')
		b = appendValue(b, values[key], k)
	}
	return append(b, '}')
}

// rawMark begins a string whose bytes are not UTF-8, and so no string of JSON: what follows
// is base64. A string that begins with it by itself is written in the same way.
const rawMark = "\x00base64:"

func appendString(b []byte, s string) []byte {
	if !utf8.ValidString(s) || strings.HasPrefix(s, rawMark) {
		s = rawMark + base64.StdEncoding.EncodeToString([]byte(s))
	}
	return text.AppendJSON(b, s)
}
