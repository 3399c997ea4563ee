package render

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// logTemplate writes a line a request as a template of text/template says. Of what it may
// ask for, text is cleaned before the template sees it.
type logTemplate struct {
	feed
	o     LogOptions
	t     *template.Template
	entry logs.Entry
	data  logs.Fields
	texts []*string // of data
}

func newLogTemplate(source string, w io.Writer, o LogOptions) (trace.Sink, error) {
	s := &logTemplate{feed: newFeed(w), o: o}
	t, err := template.New("template").Funcs(s.functions()).Parse(source)
	if err == nil {
		err = rename(t)
	}
	if err == nil {
		s.t = t
		err = t.Execute(io.Discard, &s.data) // what a field has not got shows only now
	}
	if err != nil {
		what := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "template: "), "template:")
		return nil, hint.Wrap(hint.Misuse(fmt.Errorf("template: %s", what)), "it may ask for "+logs.Names())
	}
	data := reflect.ValueOf(&s.data).Elem()
	for i := range data.NumField() {
		if p, ok := data.Field(i).Addr().Interface().(*string); ok {
			s.texts = append(s.texts, p)
		}
	}
	return s, nil
}

func (s *logTemplate) functions() template.FuncMap {
	all := template.FuncMap{
		"json":    func(v any) string { return string(text.AppendJSON(nil, fmt.Sprint(v))) },
		"ms":      func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) },
		"seconds": func(d time.Duration) string { return string(appendSeconds(nil, d)) },
	}
	functions := s.entry.Functions()
	v := reflect.ValueOf(functions)
	for i, f := range logs.FunctionList() {
		header := v.Field(i).Interface().(func(string) string)
		all[f.Name] = func(name string) string { return text.Clean(header(name)) }
	}
	return all
}

// Show writes one line.
func (s *logTemplate) Show(x *trace.Exchange) error {
	s.entry.Fill(x, &s.o.View)
	s.data = s.entry.Fields
	for _, p := range s.texts {
		*p = text.Clean(*p)
	}
	b := appender{s.buf}
	if err := s.t.Execute(&b, &s.data); err != nil {
		return fmt.Errorf("show as %w", err)
	}
	return s.commit(append(b.buf, '\n'))
}

// Summary has no place in lines of the user's own form: the talk on stderr has it.
func (s *logTemplate) Summary(trace.Summary) error { return s.Flush() }

type appender struct{ buf []byte }

func (a *appender) Write(b []byte) (int, error) {
	a.buf = append(a.buf, b...)
	return len(b), nil
}

// rename puts the names of Go's fields in the place of those that users know, and finds
// the names that there are not. In the text between actions, \t and \n are what they are
// elsewhere.
func rename(t *template.Template) error {
	r := &renamer{names: map[string]string{}}
	for _, f := range logs.FieldList() {
		r.names[f.Name] = f.Go
	}
	for _, t := range t.Templates() {
		if t.Tree != nil {
			r.tree = t.Tree
			r.visit(t.Root)
		}
	}
	return r.err
}

type renamer struct {
	names map[string]string
	tree  *parse.Tree
	err   error
}

func (r *renamer) visit(node parse.Node) {
	if node == nil || reflect.ValueOf(node).IsNil() {
		return
	}
	switch n := node.(type) {
	case *parse.ListNode:
		for _, child := range n.Nodes {
			r.visit(child)
		}
	case *parse.TextNode:
		n.Text = []byte(strings.NewReplacer(`\t`, "\t", `\n`, "\n").Replace(string(n.Text)))
	case *parse.ActionNode:
		r.visit(n.Pipe)
	case *parse.IfNode:
		r.branch(&n.BranchNode)
	case *parse.RangeNode:
		r.branch(&n.BranchNode)
	case *parse.WithNode:
		r.branch(&n.BranchNode)
	case *parse.TemplateNode:
		r.visit(n.Pipe)
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			for _, arg := range c.Args {
				r.visit(arg)
			}
		}
	case *parse.FieldNode:
		r.field(n, n.Ident)
	case *parse.VariableNode:
		if n.Ident[0] == "$" {
			r.field(n, n.Ident[1:])
		}
	case *parse.ChainNode:
		r.visit(n.Node)
	}
}

func (r *renamer) branch(n *parse.BranchNode) {
	r.visit(n.Pipe)
	r.visit(n.List)
	r.visit(n.ElseList)
}

// field renames the first of the names that lead to a value.
func (r *renamer) field(n parse.Node, names []string) {
	if len(names) == 0 {
		return
	}
	name, ok := r.names[names[0]]
	if !ok && r.err == nil {
		at, _ := r.tree.ErrorContext(n)
		r.err = fmt.Errorf("%s: there is no field %q", at, names[0])
	}
	if ok {
		names[0] = name
	}
}
