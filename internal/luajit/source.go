package luajit

// lines are where a function begins and ends in its file. LuaJIT keeps both, so a
// function that a file has there by now, but not its own, is not taken for it.
type lines struct{ first, last int }

// A source is what a Lua file calls its functions. A name is empty where two of them
// would have it.
type source map[lines]string

const (
	sourceMost  = 4 << 20 // bytes of a file
	sourcesMost = 2048    // files; a file costs some 64 bytes for each function
)

func (r *Reader) source(path string) source {
	s, known := r.sources[path]
	if known {
		return s
	}
	if len(r.sources) >= sourcesMost {
		clear(r.sources)
	}
	if text, err := r.target.ReadFile(path); err == nil && len(text) <= sourceMost {
		s = parseSource(text)
	}
	r.sources[path] = s
	return s
}

// opening is a block that waits for its end.
type opening struct {
	function bool
	line     int
	name     string
}

// parseSource finds the functions of a Lua file and what it calls them.
func parseSource(text []byte) source {
	const nestedMost = 1000 // LuaJIT's own limit is 200 (LJ_MAX_XLEVEL)
	s := source{}
	l := &lexer{text: text, line: 1}
	var open []opening
	var before []token // of the statement so far, as far as a name can be in it
	for {
		t := l.next()
		keyword := t.text
		if keyword == "" {
			return s
		}
		if t.kind != tokenWord { // "end" in quotes, say
			keyword = ""
		}
		switch keyword {
		case "function":
			o := opening{function: true, name: nameBefore(before)}
			if o.name == "" {
				o.name = l.name()
			}
			// LuaJIT takes the line of what follows: "function", a name, and it is at "(".
			o.line = l.line
			open = append(open, o)
		case "if", "do", "repeat":
			open = append(open, opening{})
		case "end", "until":
			if len(open) == 0 {
				return s // no Lua that we understand
			}
			o := open[len(open)-1]
			open = open[:len(open)-1]
			if o.function {
				s.add(lines{o.line, t.line}, o.name)
			}
		}
		if len(open) > nestedMost {
			return s
		}
		if before = append(before, t); len(before) > 64 {
			before = append(before[:0], before[32:]...)
		}
	}
}

func (s source) add(at lines, name string) {
	if old, twice := s[at]; twice && old != name {
		name = ""
	}
	s[at] = name
}

// nameBefore returns what a function is assigned to, from the tokens before it:
// "local f =", "_M.f =", `{ ["f"] =`.
func nameBefore(t []token) string {
	n := len(t) - 1
	if n < 1 || t[n].text != "=" {
		return ""
	}
	name := ""
	for n--; n >= 0; n-- {
		part := ""
		switch {
		case t[n].kind == tokenWord:
			part = t[n].text
		case t[n].text == "]" && n >= 2 && t[n-2].text == "[" && t[n-1].kind != tokenSymbol:
			part = t[n-1].text
			n -= 2
			if n > 0 && (t[n-1].kind == tokenWord && !t[n-1].reserved() || t[n-1].text == "]") { // a[b] =
				name = "[" + part + "]" + name
				continue
			}
		default:
			return ""
		}
		name = part + name
		if n == 0 || t[n-1].text != "." && t[n-1].text != ":" {
			return name
		}
		n--
		name = t[n].text + name
	}
	return ""
}

// name reads what follows "function": "a.b:c", or nothing before "(".
func (l *lexer) name() string {
	name := ""
	for {
		back := *l
		t := l.next()
		if t.kind != tokenWord && t.text != "." && t.text != ":" {
			*l = back
			l.skip() // to "(", for its line
			return name
		}
		name += t.text
	}
}
