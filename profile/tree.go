package profile

import (
	"cmp"
	"slices"

	pprof "github.com/google/pprof/profile"
)

// Node is a function in one place of a tree of calls. Called from elsewhere it is another one.
type Node struct {
	Name   string
	Kind   FrameKind // empty for the root, and for a group of samples
	File   string    // where the function was defined, or its object; may be empty
	Line   int64     // where it begins; 0 for not known
	Cum    int64     // nanoseconds, with what it called
	Flat   int64     // of itself
	Parent *Node     // nil for the root

	children []*Node
	sorted   bool
	fn       *pprof.Function   // nil for what is none
	index    map[nodeKey]*Node // of children, once they are many
}

// Children returns what the function called, the greatest first. They take no more of its
// time than it has.
func (n *Node) Children() []*Node {
	if !n.sorted {
		n.sorted = true
		slices.SortFunc(n.children, func(a, b *Node) int {
			return cmp.Or(cmp.Compare(b.Cum, a.Cum), cmp.Compare(a.Name, b.Name), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Kind, b.Kind))
		})
	}
	return n.children
}

// nodeKey is what tells the children of a node apart.
type nodeKey struct {
	fn   *pprof.Function
	kind FrameKind
	name string // of what is no function
}

// manyChildren are too many to look at each.
const manyChildren = 16

// child returns the node of a key, which is made if there is none yet.
func (n *Node) child(k nodeKey) (c *Node, made bool) {
	if n.index == nil {
		for _, c := range n.children {
			if c.fn == k.fn && c.Kind == k.kind && (k.fn != nil || c.Name == k.name) {
				return c, false
			}
		}
	} else if c := n.index[k]; c != nil {
		return c, false
	}
	c = &Node{Name: k.name, Kind: k.kind, Parent: n, fn: k.fn}
	n.children = append(n.children, c)
	switch {
	case n.index != nil:
		n.index[k] = c
	case len(n.children) > manyChildren:
		n.index = make(map[nodeKey]*Node, 2*manyChildren)
		for _, c := range n.children {
			n.index[nodeKey{c.fn, c.Kind, c.keyName()}] = c
		}
	}
	return c, true
}

// keyName is the name by which a node's key has it: a function says who it is.
func (n *Node) keyName() string {
	if n.fn != nil {
		return ""
	}
	return n.Name
}

// step is a frame of the stack before, and its node.
type step struct {
	l *pprof.Location
	n *Node
}

// planter makes a tree.
type planter struct {
	last map[string][]step // by group: samples are sorted, so most of a stack is that of the one before
}

// Tree merges the stacks from the root, which is called "all". Samples of another group are
// apart, just above the root; nil is for no groups. The tree is for one goroutine.
func Tree(p *pprof.Profile, group func(*pprof.Sample) string) *Node {
	t := planter{last: map[string][]step{}}
	root := &Node{Name: "all"}
	for _, s := range p.Sample {
		if len(s.Value) < 2 || s.Value[1] <= 0 {
			continue
		}
		at, name := root, ""
		at.Cum += s.Value[1]
		if group != nil {
			name = group(s)
			at, _ = at.child(nodeKey{name: name})
			at.Cum += s.Value[1]
		}
		t.stack(s, at, name)
	}
	return root
}

// stack adds a sample above a node.
func (t *planter) stack(s *pprof.Sample, at *Node, group string) {
	path, known := t.last[group], true
	for i := range s.Location {
		l := s.Location[len(s.Location)-1-i]
		if known = known && i < len(path) && path[i].l == l; !known {
			path = append(path[:i], step{l, at.frame(l)})
		}
		at = path[i].n
		at.Cum += s.Value[1]
	}
	at.Flat += s.Value[1]
	t.last[group] = path[:len(s.Location)]
}

// frame returns the node of what n called.
func (n *Node) frame(l *pprof.Location) *Node {
	kind := KindOf(l)
	if len(l.Line) == 0 || l.Line[0].Function == nil { // none of ours
		c, _ := n.child(nodeKey{kind: kind, name: "[no name]"})
		return c
	}
	f := l.Line[0].Function
	c, made := n.child(nodeKey{fn: f, kind: kind})
	if made {
		c.Name, c.File, c.Line = f.Name, f.Filename, f.StartLine
		if c.File == "" && l.Mapping != nil && kind == FrameNative {
			c.File = l.Mapping.File
		}
	}
	return c
}

// Group is what samples are called that have a label's value, which is that of a sample's
// label; what has none is in parentheses.
func Group(s *pprof.Sample, label string) string {
	return GroupName(label, LabelOf(s, label), LabelOf(s, LabelRouteName))
}

// GroupName is Group for a value of a label, and for what else it is called.
func GroupName(label, value, title string) string {
	switch {
	case value == "":
		return "(no " + label + ")"
	case label == LabelWorker:
		return "worker " + value
	case label == LabelRoute && title != "" && title != value:
		return value + " " + title
	}
	return value
}
