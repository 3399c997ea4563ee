package luajit

// A token is a word, a string's text or a symbol of Lua.
type token struct {
	kind tokenKind
	text string
	line int
}

type tokenKind int

const (
	tokenSymbol tokenKind = iota
	tokenWord
	tokenText // a string or a number; its text is what a table's key shows
)

// reserved reports whether a word is a keyword that can stand before an expression.
func (t token) reserved() bool {
	switch t.text {
	case "local", "return", "and", "or", "not", "then", "do", "else", "in", "end", "repeat", "until", "function":
		return true
	}
	return false
}

// A lexer splits Lua into tokens, as far as finding functions needs it (lj_lex.c).
type lexer struct {
	text []byte
	at   int
	line int
}

// next returns the next token; its text is empty at the end.
func (l *lexer) next() token {
	l.skip()
	if l.at >= len(l.text) {
		return token{}
	}
	t := token{line: l.line}
	start, c := l.at, l.text[l.at]
	switch {
	case isWord(c) && !isDigit(c):
		t.kind = tokenWord
		for l.at < len(l.text) && isWord(l.text[l.at]) {
			l.at++
		}
	case isDigit(c):
		t.kind = tokenText
		for l.at < len(l.text) && (isWord(l.text[l.at]) || l.text[l.at] == '.') {
			l.at++
		}
	case c == '"' || c == '\'':
		t.kind = tokenText
		t.text = l.quoted(c)
		return t
	case c == '[' && l.level() >= 0:
		t.kind = tokenText
		l.long(l.level())
		t.text = "[[]]"
		return t
	case (c == '=' || c == '~' || c == '<' || c == '>') && l.peek(1) == '=':
		l.at += 2
	default:
		l.at++
	}
	t.text = string(l.text[start:l.at])
	return t
}

// skip goes past blanks and comments.
func (l *lexer) skip() {
	for l.at < len(l.text) {
		switch c := l.text[l.at]; {
		case c == '\n':
			l.line++
			l.at++
		case c == ' ' || c >= '\t' && c <= '\r':
			l.at++
		case c == '#' && l.at == 0: // "#!"
			l.toLineEnd()
		case c == '-' && l.peek(1) == '-':
			l.at += 2
			if n := l.level(); n >= 0 {
				l.long(n)
			} else {
				l.toLineEnd()
			}
		default:
			return
		}
	}
}

func (l *lexer) peek(n int) byte {
	if l.at+n < len(l.text) {
		return l.text[l.at+n]
	}
	return 0
}

func (l *lexer) toLineEnd() {
	for l.at < len(l.text) && l.text[l.at] != '\n' {
		l.at++
	}
}

// level returns how many "=" a long bracket that begins here has, -1 if none does.
func (l *lexer) level() int {
	if l.peek(0) != '[' {
		return -1
	}
	n := 0
	for l.peek(1+n) == '=' {
		n++
	}
	if l.peek(1+n) != '[' {
		return -1
	}
	return n
}

// long goes past a long string or comment.
func (l *lexer) long(level int) {
	l.at += level + 2
	for ; l.at < len(l.text); l.at++ {
		switch l.text[l.at] {
		case '\n':
			l.line++
		case ']':
			n := 0
			for n < level && l.peek(1+n) == '=' {
				n++
			}
			if n == level && l.peek(1+n) == ']' {
				l.at += level + 2
				return
			}
		}
	}
}

// quoted goes past a string, and returns up to 64 bytes of it as they are written.
func (l *lexer) quoted(quote byte) string {
	start := l.at + 1
	for l.at++; l.at < len(l.text) && l.text[l.at] != quote; l.at++ {
		if l.text[l.at] == '\\' {
			l.at++
		}
		if l.peek(0) == '\n' {
			l.line++
		}
	}
	l.at = min(l.at+1, len(l.text))
	s := string(l.text[min(start, len(l.text)):max(min(l.at-1, start+64), min(start, len(l.text)))])
	if s == "" {
		return `""`
	}
	return s
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWord(c byte) bool {
	return c == '_' || isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
