package logs

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/apisixscope/apisixscope/trace"
)

// Where is a condition on a log line. It is for one goroutine.
type Where struct {
	program *vm.Program
	machine vm.VM
	scope   scope
	entry   Entry
	headers bool
}

// scope is what an expression sees.
type scope struct {
	Fields
	Functions
}

// whole is for deciding: it sees secrets, too. Nothing of it is shown.
var whole = &View{Secrets: true}

// CompileWhere reads a condition such as
//
//	status >= 500 && header("x-tenant") == "acme" && upstream_time > 200ms
//
// An error of it is a *WhereError.
func CompileWhere(source string) (*Where, error) {
	w := &Where{}
	text, literals := takeLiterals(source)
	patch := &patcher{literals: literals, functions: map[string]bool{}}
	for _, f := range FunctionList() {
		patch.functions[f.Name] = true
	}
	options := []expr.Option{expr.Env(&w.scope), expr.AsBool(), expr.DisableAllBuiltins(), expr.Patch(patch)}
	for _, name := range []string{"len", "lower", "upper"} {
		options = append(options, expr.EnableBuiltin(name))
	}
	program, err := expr.Compile(text, options...)
	if patch.hidden != nil {
		err = &file.Error{Location: patch.hidden.Location(), Message: "unknown name " + patch.hidden.Value}
	}
	if err != nil {
		return nil, newWhereError(source, literals, err)
	}
	w.program, w.headers = program, patch.headers
	w.scope.Functions = w.entry.Functions()
	return w, nil
}

// Match reports whether x meets the condition. An error is of the values of this request:
// the condition cannot be decided for it.
func (w *Where) Match(x *trace.Exchange) (bool, error) {
	w.entry.Fill(x, whole)
	w.scope.Fields = w.entry.Fields
	out, err := w.machine.Run(w.program, &w.scope)
	if err != nil {
		if e, ok := errors.AsType[*file.Error](err); ok {
			err = errors.New(e.Message)
		}
		return false, fmt.Errorf("decide the condition: %w", err)
	}
	return out.(bool), nil // expr.AsBool
}

// Headers reports whether the condition asks for headers.
func (w *Where) Headers() bool { return w.headers }

// patcher puts durations where their identifiers are, and notes what is asked for.
type patcher struct {
	literals  map[int]literal
	functions map[string]bool
	headers   bool
	hidden    *ast.IdentifierNode // a name that expr knows, and users do not
}

// Visit is for expr.
func (p *patcher) Visit(node *ast.Node) {
	n, ok := (*node).(*ast.IdentifierNode)
	if !ok {
		return
	}
	if l, ok := p.literals[n.Location().From]; ok && l.name == n.Value {
		ast.Patch(node, &ast.ConstantNode{Value: l.value})
		return
	}
	p.headers = p.headers || p.functions[n.Value]
	if p.hidden == nil && (n.Value == "$env" || n.Value == "Fields" || n.Value == "Functions") {
		p.hidden = n
	}
}

// WhereError says what is wrong with a condition, and where.
type WhereError struct {
	Source string
	Column int // from 1, in runes; 0: it is not known
	What   string
	// Unknown is set for a name that there is not: FieldList and FunctionList have those that are.
	Unknown bool
}

var (
	goType    = regexp.MustCompile(`\b(time\.Duration|time\.Time|string|int|float64|bool)\b`)
	typeWords = map[string]string{
		"time.Duration": "duration", "time.Time": "time", "string": "text", "int": "number", "float64": "number", "bool": "true or false",
	}
)

func newWhereError(source string, literals map[int]literal, err error) *WhereError {
	e := &WhereError{Source: source, What: err.Error()}
	if at, ok := errors.AsType[*file.Error](err); ok {
		e.What, e.Column = at.Message, at.From+1
		if l, ok := literals[at.From]; ok {
			e.What = strings.ReplaceAll(e.What, l.name, l.text)
		}
	}
	e.Unknown = strings.HasPrefix(e.What, "unknown name")
	// The words for types are those of FieldList.
	e.What = strings.TrimSpace(goType.ReplaceAllStringFunc(e.What, func(t string) string { return typeWords[t] }))
	return e
}

func (e *WhereError) Error() string {
	if e.Column == 0 {
		return fmt.Sprintf("%q: %s", e.Source, e.What)
	}
	return fmt.Sprintf("%q: column %d: %s", e.Source, e.Column, e.What)
}

// Names lists what a condition or a template may ask for.
func Names() string {
	var all []string
	for _, f := range FieldList() {
		all = append(all, f.Name)
	}
	for _, f := range FunctionList() {
		all = append(all, f.Name+`("name")`)
	}
	return strings.Join(all, ", ")
}
