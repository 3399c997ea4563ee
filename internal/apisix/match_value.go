package apisix

import (
	"math"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// truth is an answer, or that there is none.
type truth int8

const (
	no truth = iota
	maybe
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// A value is one of Lua's.
type value struct {
	kind valueKind
	b    bool
	n    float64
	s    string  // a text; of an unknown, what it depends on
	list []value // of an array
}

type valueKind int8

const (
	nilValue valueKind = iota
	boolValue
	numberValue
	textValue
	nullValue  // cjson's null: neither nil nor anything else
	tableValue // list is its array
	unknownValue
)

func textOf(s string) value          { return value{kind: textValue, s: s} }
func unknown(dependsOn string) value { return value{kind: unknownValue, s: dependsOn} }

// valueOf is a JSON value as cjson reads it.
func valueOf(v gjson.Result) value {
	switch v.Type {
	case gjson.True, gjson.False:
		return value{kind: boolValue, b: v.Bool()}
	case gjson.Number:
		return value{kind: numberValue, n: v.Num}
	case gjson.String:
		return textOf(v.Str)
	case gjson.Null:
		return value{kind: nullValue}
	}
	out := value{kind: tableValue}
	if v.IsArray() {
		v.ForEach(func(_, e gjson.Result) bool {
			if e.IsObject() || e.IsArray() {
				out.list = append(out.list, value{kind: tableValue}) // equal to no other
			} else {
				out.list = append(out.list, valueOf(e))
			}
			return true
		})
	}
	return out
}

// equal is Lua's ==, without any conversion. Two tables are not the same one.
func (v value) equal(w value) bool {
	if v.kind != w.kind {
		return false
	}
	switch v.kind {
	case boolValue:
		return v.b == w.b
	case numberValue:
		return v.n == w.n
	case textValue:
		return v.s == w.s
	}
	return v.kind == nilValue || v.kind == nullValue
}

// number is Lua's tonumber.
func (v value) number() (float64, bool) {
	switch v.kind {
	case numberValue:
		return v.n, true
	case textValue:
		return parseNumber(v.s)
	}
	return 0, false
}

// string is Lua's tostring, of what is no table.
func (v value) string() string {
	switch v.kind {
	case boolValue:
		return strconv.FormatBool(v.b)
	case numberValue:
		return formatNumber(v.n)
	}
	return v.s
}

// show writes a value for people, without what looks like a secret.
func (v value) show() string {
	switch v.kind {
	case nilValue:
		return "nothing"
	case nullValue:
		return "null"
	case textValue:
		return shorten(v.s)
	case tableValue:
		texts := make([]string, len(v.list))
		for i := range min(len(v.list), maxShown) {
			texts[i] = v.list[i].bare()
		}
		return "[" + listOf(texts) + "]"
	}
	return v.string()
}

// bare is show without quotes where none are needed.
func (v value) bare() string {
	v.s = mild(v.s)
	if v.kind == textValue && v.s != "" && shorten(v.s) == `"`+v.s+`"` && !strings.ContainsAny(v.s, " ,;[]") {
		return v.s
	}
	return v.show()
}

// mild is withoutSecrets, of what may also be a query without its question mark.
func mild(s string) string {
	s = withoutSecrets(s)
	if strings.Contains(s, "=") {
		s = withoutSecrets("?" + s)[1:]
	}
	return s
}

func formatNumber(n float64) string {
	switch {
	case math.IsInf(n, 1):
		return "inf"
	case math.IsInf(n, -1):
		return "-inf"
	case n == math.Trunc(n) && math.Abs(n) < 1e14:
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return strconv.FormatFloat(n, 'g', 14, 64)
}

// parseNumber reads what LuaJIT's lj_strscan_scan does: decimal, hexadecimal, inf and nan, with
// blanks around it.
func parseNumber(s string) (float64, bool) {
	s = strings.ToLower(strings.Trim(s, " \t\n\v\f\r"))
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || strings.ContainsAny(digits, "_") {
		return 0, false
	}
	sign := 1.0
	if strings.HasPrefix(s, "-") {
		sign = -1
	}
	switch {
	case digits == "nan", digits == "inf", digits == "infinity":
	case strings.HasPrefix(digits, "0b"):
		n, err := strconv.ParseUint(digits[2:], 2, 64)
		return sign * float64(n), err == nil
	case strings.HasPrefix(digits, "0x") && !strings.Contains(digits, "p"):
		digits += "p0" // Go wants an exponent
	case digits == "" || digits[0] != '.' && (digits[0] < '0' || digits[0] > '9'):
		return 0, false
	}
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil && !math.IsInf(n, 0) {
		return 0, false
	}
	return sign * n, true
}
