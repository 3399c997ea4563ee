package apisix

import (
	"fmt"
	"slices"
	"strings"
)

// eval says whether the expression holds: lib/resty/expr/v1.lua, eval. Where it does not, or is
// not known, why has the leaves that make it so.
func (e *expr) eval(q *question) (t truth, why []string) {
	if e.leaf {
		return e.compare(q)
	}
	all, invert := strings.HasSuffix(e.op, "AND"), strings.HasPrefix(e.op, "!")
	t = truthOf(all)
	reasons := map[truth][]string{}
	for _, inner := range e.inner {
		u, because := inner.eval(q)
		reasons[u] = append(reasons[u], because...)
		if all {
			t = min(t, u)
		} else {
			t = max(t, u)
		}
	}
	switch {
	case t == maybe:
		return maybe, dedupe(reasons[maybe])
	case invert && t == yes:
		return no, []string{"not (" + e.text() + ") is false"}
	case invert:
		return yes, nil
	}
	return t, dedupe(reasons[t])
}

// text writes an expression that may be long.
func (e *expr) text() string {
	if e.leaf {
		return e.String()
	}
	var texts []string
	for _, inner := range e.inner {
		texts = append(texts, inner.text())
		if len(strings.Join(texts, "")) > 120 {
			texts = append(texts, "…")
			break
		}
	}
	s := strings.Join(texts, " "+strings.ToLower(strings.TrimPrefix(e.op, "!"))+" ")
	if strings.HasPrefix(e.op, "!") {
		return "not (" + s + ")"
	}
	if len(e.inner) > 1 {
		return "(" + s + ")"
	}
	return s
}

func dedupe(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
		if len(out) == maxMisses {
			break
		}
	}
	return out
}

// compare is v1.lua's compare_val, and what eval_and makes of it.
func (e *expr) compare(q *question) (truth, []string) {
	if e.broken != "" {
		return maybe, []string{e.broken}
	}
	left := q.variable(e.name)
	if left.kind == unknownValue {
		return maybe, []string{left.s + " (" + e.String() + ")"}
	}
	held, err := e.holds(left)
	switch {
	case err != "" && secretVariable(e.name):
		return maybe, []string{e.String() + " cannot be decided here"}
	case err != "":
		return maybe, []string{err}
	case held != e.negated:
		return yes, nil
	}
	got := left.show()
	if secretVariable(e.name) && left.kind == textValue && left.s != "" {
		got = Hidden
	}
	return no, []string{fmt.Sprintf("%s, got %s", e, got)}
}

// holds compares as v1.lua's compare_funcs do. An err says why that is not known.
func (e *expr) holds(left value) (held bool, err string) {
	right := e.right
	switch e.cmp {
	case "==", "~=":
		if right.kind == numberValue {
			n, ok := left.number()
			if !ok {
				return e.cmp == "~=", ""
			}
			left = value{kind: numberValue, n: n}
		}
		return left.equal(right) == (e.cmp == "=="), ""
	case ">", ">=", "<", "<=":
		l, isNumber := left.number()
		r, alsoNumber := right.number()
		return isNumber && alsoNumber && ordered(l, e.cmp, r), ""
	case "~~", "~*":
		switch {
		case left.kind == nilValue, left.kind == boolValue && !left.b:
			return false, ""
		case e.badRE != "":
			return false, e.badRE
		}
		found, failed := e.re.matches(left.string())
		if failed != nil {
			return false, failed.Error()
		}
		return found, ""
	case "in":
		return slices.ContainsFunc(right.list, left.equal), ""
	case "has":
		return slices.ContainsFunc(left.list, right.equal), ""
	}
	addr, ok := parseIP(left.s) // ipmatch
	return ok && left.kind == textValue && e.ips.has(addr), ""
}

func ordered(l float64, op string, r float64) bool {
	switch op {
	case ">":
		return l > r
	case ">=":
		return l >= r
	case "<":
		return l < r
	}
	return l <= r
}
