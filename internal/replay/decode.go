package replay

import (
	"encoding"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/apisixscope/apisixscope/trace"
)

// maxList bounds the lists of a line that somebody else may have written.
const maxList = 1 << 16

// errKind means that a line tells of something that this version does not know.
var errKind = errors.New("no event of this version")

// ParseEvent reads a line of AppendEvent, of this version or an older one. Fields that it
// does not know are left out: those of a newer one.
func ParseEvent(line []byte) (trace.Event, error) {
	if !json.Valid(line) { // which bounds its depth, too
		return trace.Event{}, errors.New("it is no JSON")
	}
	var e trace.Event
	err := errKind
	gjson.ParseBytes(line).ForEach(func(key, value gjson.Result) bool {
		switch key.String() {
		case "exchange":
			e.Kind, e.Exchange = trace.KindExchange, &trace.Exchange{}
			err = parseStruct(value, reflect.ValueOf(e.Exchange).Elem())
		case "worker":
			e.Kind, e.Worker = trace.KindWorker, &trace.Worker{}
			err = parseStruct(value, reflect.ValueOf(e.Worker).Elem())
		case "lost", "removed":
			e.Kind = trace.KindLost
			if key.String() == "removed" {
				e.Kind = trace.KindRemoved
			}
			e.Cause, e.Count, err = value.Get("cause").String(), value.Get("count").Uint(), nil
		case "note":
			e.Kind, e.Note, err = trace.KindNote, value.String(), nil
		}
		return false
	})
	return e, err
}

// Parse reads what Append wrote into v.
func Parse[T any](data []byte, v *T) error {
	if !json.Valid(data) {
		return errors.New("it is no JSON")
	}
	return parseStruct(gjson.ParseBytes(data), reflect.ValueOf(v).Elem())
}

func parseStruct(r gjson.Result, to reflect.Value) error {
	if !r.IsObject() {
		return fmt.Errorf("%.20q is no object", r.Raw)
	}
	p := planOf(to.Type())
	var failed error
	r.ForEach(func(key, value gjson.Result) bool {
		i, known := p.byName[key.String()]
		if !known {
			return true
		}
		f := &p.fields[i]
		if err := parseValue(value, to.Field(f.index), f.kind); err != nil {
			failed = fmt.Errorf("%s: %w", f.name, err)
		}
		return failed == nil
	})
	return failed
}

func parseValue(r gjson.Result, to reflect.Value, k kind) error {
	switch k {
	case kindBool:
		to.SetBool(r.Bool())
	case kindInt:
		if to.OverflowInt(r.Int()) {
			return fmt.Errorf("%s is too large", r.Raw)
		}
		to.SetInt(r.Int())
	case kindUint:
		if to.OverflowUint(r.Uint()) {
			return fmt.Errorf("%s is too large", r.Raw)
		}
		to.SetUint(r.Uint())
	case kindFloat:
		to.SetFloat(r.Float())
	case kindString:
		s, err := plainString(r.String())
		to.SetString(s)
		return err
	case kindBytes:
		b, err := base64.StdEncoding.DecodeString(r.String())
		to.SetBytes(b)
		return err
	case kindID:
		return parseID(r.String(), to)
	case kindTime:
		t, err := parseTime(r.String())
		to.Set(reflect.ValueOf(t))
		return err
	case kindText:
		into, is := to.Addr().Interface().(encoding.TextUnmarshaler)
		if !is {
			return fmt.Errorf("a %v cannot be read", to.Type())
		}
		return into.UnmarshalText([]byte(r.String()))
	case kindStruct:
		return parseStruct(r, to)
	case kindPointer:
		if r.Type == gjson.Null {
			return nil
		}
		to.Set(reflect.New(to.Type().Elem()))
		return parseStruct(r, to.Elem())
	case kindMap:
		return parseMap(r, to)
	case kindSlice, kindArray:
		return parseList(r, to)
	}
	return nil
}

func plainString(s string) (string, error) {
	coded, raw := strings.CutPrefix(s, rawMark)
	if !raw {
		return strings.Clone(s), nil // it must not keep the line
	}
	b, err := base64.StdEncoding.DecodeString(coded)
	return string(b), err
}

func parseID(s string, to reflect.Value) error {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != to.Len() {
		return fmt.Errorf("%.40q is not %d bytes in hex", s, to.Len())
	}
	reflect.Copy(to, reflect.ValueOf(b))
	return nil
}

// parseTime returns a time as it was, but for the zone's name: our own zone, where that has
// the same offset, so that a recording reads here as the window did.
func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, err
	}
	_, want := t.Zone()
	if _, have := t.Local().Zone(); have == want {
		return t.Local(), nil
	}
	return t, nil
}

func parseList(r gjson.Result, to reflect.Value) error {
	if !r.IsArray() {
		return fmt.Errorf("%.20q is no list", r.Raw)
	}
	items := r.Array()
	if len(items) > maxList {
		return fmt.Errorf("a list of %d is too long", len(items))
	}
	if to.Kind() == reflect.Slice {
		to.Set(reflect.MakeSlice(to.Type(), len(items), len(items)))
	}
	k := kindOf(to.Type().Elem())
	for i := range min(len(items), to.Len()) {
		if err := parseValue(items[i], to.Index(i), k); err != nil {
			return err
		}
	}
	return nil
}

func parseMap(r gjson.Result, to reflect.Value) error {
	if !r.IsObject() {
		return fmt.Errorf("%.20q is no object", r.Raw)
	}
	to.Set(reflect.MakeMap(to.Type()))
	k := kindOf(to.Type().Elem())
	var failed error
	r.ForEach(func(key, value gjson.Result) bool {
		var name string
		one := reflect.New(to.Type().Elem()).Elem()
		if name, failed = plainString(key.String()); failed == nil {
			failed = parseValue(value, one, k)
		}
		if to.Len() >= maxList {
			failed = errors.New("a map is too large")
		}
		if failed == nil {
			to.SetMapIndex(reflect.ValueOf(name).Convert(to.Type().Key()), one)
		}
		return failed == nil
	})
	return failed
}
