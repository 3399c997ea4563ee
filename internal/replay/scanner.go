package replay

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// scanner reads the values of one line. The first thing that is wrong stays in err, and all
// that is read after it is zero. Text is a part of the line, which it keeps in memory.
type scanner struct {
	line string
	pos  int
	err  error
}

// fail remembers what is wrong, and where.
func (s *scanner) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("column %d: "+format, append([]any{s.pos + 1}, args...)...)
		s.pos = len(s.line)
	}
}

// peek returns the next byte that is not a blank; 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.line) {
		switch c := s.line[s.pos]; c {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) want(c byte) {
	if s.peek() != c {
		s.fail("%q is missing", c)
		return
	}
	s.pos++
}

// object calls member with each name, to read its value.
func (s *scanner) object(member func(name string)) {
	s.want('{')
	for first := true; s.err == nil; first = false {
		if s.peek() == '}' {
			s.pos++
			return
		}
		if !first {
			s.want(',')
		}
		name := s.text()
		s.want(':')
		if s.err == nil {
			member(name)
		}
	}
}

// array calls element with the number of each, to read it.
func (s *scanner) array(element func(int)) {
	s.want('[')
	for i := 0; s.err == nil; i++ {
		if s.peek() == ']' {
			s.pos++
			return
		}
		if i > 0 {
			s.want(',')
		}
		if s.err == nil {
			element(i)
		}
	}
}

// raw returns a string as it is written between its quotes.
func (s *scanner) raw() string {
	s.want('"')
	if s.err != nil {
		return ""
	}
	from := s.pos
	for i := from; ; i++ {
		n := strings.IndexByte(s.line[i:], '"')
		if n < 0 {
			s.fail("a string has no end")
			return ""
		}
		i += n
		slashes := 0
		for i-slashes > from && s.line[i-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			s.pos = i + 1
			return s.line[from:i]
		}
	}
}

func (s *scanner) text() string {
	raw := s.raw()
	if strings.IndexByte(raw, '\\') < 0 {
		return raw
	}
	out, ok := unquote(raw)
	if !ok {
		s.fail("a string is no JSON")
	}
	return out
}

// word returns a number, or true, false or null.
func (s *scanner) word() string {
	s.peek()
	from := s.pos
	for s.pos < len(s.line) && strings.IndexByte(",:]} \t\r\n\"[{", s.line[s.pos]) < 0 {
		s.pos++
	}
	if s.pos == from {
		s.fail("a value is missing")
	}
	return s.line[from:s.pos]
}

func (s *scanner) integer() int64 {
	w := s.word()
	n, err := strconv.ParseInt(w, 10, 64)
	if err != nil {
		s.fail("%.20q is not a whole number", w)
	}
	return n
}

func (s *scanner) unsigned(bits int) uint64 {
	w := s.word()
	n, err := strconv.ParseUint(w, 10, bits)
	if err != nil {
		s.fail("%.20q is not a whole number of %d bits", w, bits)
	}
	return n
}

func (s *scanner) boolean() bool {
	w := s.word()
	if w != "true" && w != "false" {
		s.fail("%.20q is neither true nor false", w)
	}
	return w == "true"
}

// time reads a time that clocks have: its nanoseconds since 1970 fit into 64 bits.
func (s *scanner) time() time.Time {
	w := s.raw()
	t, err := time.Parse(time.RFC3339Nano, w)
	if err != nil || t.Year() < 1700 || t.Year() > 2260 {
		s.fail("%.40q is not a time", w)
		return time.Time{}
	}
	return t // in our own zone, where the offset is the same
}

func (s *scanner) address() netip.AddrPort {
	w := s.raw()
	a, err := netip.ParseAddrPort(w)
	if err != nil {
		s.fail("%.60q is not an address with a port", w)
	}
	return a
}

func (s *scanner) bytes() []byte {
	b, err := base64.StdEncoding.DecodeString(s.raw())
	if err != nil {
		s.fail("bytes are not in base64")
		return nil
	}
	return b
}

func (s *scanner) hex(to []byte) {
	w := s.raw()
	if len(w) != 2*len(to) {
		s.fail("%.40q is not an id of %d bytes", w, len(to))
		return
	}
	if _, err := hex.Decode(to, []byte(w)); err != nil {
		s.fail("%.40q is not an id", w)
	}
}

// letter reads a string of one byte.
func (s *scanner) letter() byte {
	w := s.text()
	if len(w) != 1 {
		s.fail("%.20q is not one letter", w)
		return 0
	}
	return w[0]
}

// end wants nothing more.
func (s *scanner) end() {
	if s.peek() != 0 {
		s.fail("something follows")
	}
}

// skip passes over a value.
func (s *scanner) skip() {
	const deepest = 64
	depth := 0
	for s.err == nil {
		switch c := s.peek(); c {
		case '{', '[':
			if depth++; depth > deepest {
				s.fail("values are more than %d deep", deepest)
				return
			}
			s.pos++
			continue
		case '}', ']':
			if depth--; depth < 0 {
				s.fail("a value is missing")
				return
			}
			s.pos++
		case ',', ':':
			if depth == 0 {
				s.fail("a value is missing")
				return
			}
			s.pos++
			continue
		case '"':
			s.raw()
		default:
			s.word()
		}
		if depth == 0 {
			return
		}
	}
}
