package apisix

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// An expr is a compiled vars: a leaf, or a group of others.
type expr struct {
	op    string  // of a group: AND, OR, !AND or !OR
	inner []*expr // of a group

	leaf    bool
	name    string // the variable
	cmp     string
	negated bool
	right   value
	ips     *ipList
	re      *pattern
	broken  string // why it cannot be decided here, whatever the variable is
	badRE   string // why the regular expression cannot
}

var (
	errBrackets = errors.New("rule should be wrapped inside brackets")
	errShort    = errors.New("rule too short")
	errInvalid  = errors.New("invalid expression")
)

// maxVars is how deep vars are followed.
const maxVars = 100

// compileVars is lua-resty-expr's new, in lib/resty/expr/v1.lua. An error is why APISIX does
// not load the route.
func compileVars(v gjson.Result) (*expr, error) {
	if !v.IsArray() {
		return nil, fmt.Errorf("it is %s, not an array", kindOf(v))
	}
	rule := v.Array()
	switch {
	case len(rule) == 0:
		return &expr{op: "AND"}, nil
	case !isTable(rule[0]) && groupOf(rule[0]) == "":
		return nil, errBrackets
	}
	return compile(rule, 0)
}

func isTable(v gjson.Result) bool { return v.IsArray() || v.IsObject() }

// groupOf is the logic operator that v is, or "".
func groupOf(v gjson.Result) string {
	if op := strings.ToUpper(v.Str); slices.Contains([]string{"AND", "OR", "!AND", "!OR"}, op) {
		return op
	}
	return ""
}

// compile is v1.lua's compile.
func compile(rule []gjson.Result, depth int) (*expr, error) {
	if len(rule) == 0 {
		return nil, errShort
	}
	if depth > maxVars {
		return &expr{leaf: true, broken: fmt.Sprintf("vars nested deeper than %d levels", maxVars)}, nil
	}
	e := &expr{op: groupOf(rule[0])}
	switch {
	case isTable(rule[0]):
		e.op = "AND"
	case e.op == "":
		return compileLeaf(rule)
	case len(rule) <= 2:
		return nil, errShort
	default:
		rule = rule[1:]
	}
	for _, r := range rule {
		if !r.IsArray() { // an object has no first element
			return nil, errInvalid
		}
		inner, err := compile(r.Array(), depth+1)
		if err != nil {
			return nil, err
		}
		e.inner = append(e.inner, inner)
	}
	return e, nil
}

// comparisons is v1.lua's compare_funcs.
var comparisons = []string{"==", "~=", ">", ">=", "<", "<=", "~~", "~*", "in", "has", "ipmatch"}

// compileLeaf is v1.lua's compile_expr.
func compileLeaf(rule []gjson.Result) (*expr, error) {
	e := &expr{leaf: true}
	if len(rule) == 4 {
		if rule[1].Str != "!" {
			return nil, errors.New("bad 'not' expression")
		}
		e.negated = true
		rule = []gjson.Result{rule[0], rule[2], rule[3]}
	}
	if len(rule) < 2 {
		return nil, errInvalid
	}
	op := valueOf(rule[1])
	if op.kind != textValue && op.kind != numberValue {
		return nil, errInvalid // Lua has no lower case of it
	}
	e.cmp = strings.ToLower(op.string())
	if len(rule) > 2 {
		e.right = valueOf(rule[2])
	} else if !slices.Contains(comparisons, e.cmp) { // for compatibility, [var, val]
		e.cmp, e.right = "==", textOf(e.cmp)
	}
	if !slices.Contains(comparisons, e.cmp) {
		return nil, fmt.Errorf("invalid operator %s", shorten(e.cmp))
	}
	if e.name = rule[0].Str; rule[0].Type != gjson.String {
		e.name, e.broken = shorten(rule[0].Raw), "a variable that is no name: APISIX answers 500"
	}
	return e, e.prepare(rule)
}

// prepare reads the right side for operators that need more than its value.
func (e *expr) prepare(rule []gjson.Result) (err error) {
	switch e.cmp {
	case "ipmatch":
		if len(rule) < 3 || len(rule[2].Array()) == 0 || rule[2].Str == "" && !rule[2].IsArray() {
			return errors.New("invalid ip address")
		}
		e.ips, err = readIPs(rule[2])
	case "~~", "~*":
		if e.right.kind != textValue { // ngx.re.find fails
			e.badRE = "a regular expression that is " + e.right.show() + ": APISIX answers 500"
		} else if e.re, err = newPattern(e.right.s, e.cmp == "~*"); err != nil {
			e.badRE, err = err.Error(), nil
		}
	}
	if e.right.kind == nullValue { // v1.lua, compare_val
		e.right = value{}
	}
	return err
}

// String writes a leaf as people do, without what looks like a secret.
func (e *expr) String() string {
	cmp := e.cmp
	if e.negated {
		cmp = "! " + cmp
	}
	right := e.right.bare()
	switch {
	case e.ips != nil:
		right = e.ips.text
	case secretVariable(e.name):
		right = Hidden
	}
	return e.name + " " + cmp + " " + right
}
