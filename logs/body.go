package logs

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Body is the beginning of a message's body, as it was on the wire.
type Body struct {
	Seen     bool
	First    []byte // as many bytes as were asked for, or as there are
	Size     int64  // of all of it; -1: not known
	Encoding string // Content-Encoding, such as gzip; empty for none
}

// Text returns the beginning as text, if it is: UTF-8 without control characters but line
// breaks and tabs. A character that is cut at the end is left out.
func (b *Body) Text() (string, bool) {
	if b.Encoding != "" && !strings.EqualFold(b.Encoding, "identity") {
		return "", false
	}
	first := b.First
	for cut := 1; cut < utf8.UTFMax && cut <= len(first); cut++ {
		if tail := first[len(first)-cut:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				first = first[:len(first)-cut]
			}
			break
		}
	}
	if !utf8.Valid(first) {
		return "", false
	}
	s := string(first)
	control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }
	return s, !strings.ContainsFunc(s, control)
}

// Describe says what there is: "gzip, 1234 bytes", or "the first 512 of 1234 bytes".
func (b *Body) Describe() string {
	s := ""
	if b.Encoding != "" {
		s = b.Encoding + ", "
	}
	n := strconv.Itoa(len(b.First))
	switch {
	case b.Size < 0:
		return s + "the first " + n + " bytes"
	case b.Size > int64(len(b.First)):
		return s + "the first " + n + " of " + strconv.FormatInt(b.Size, 10) + " bytes"
	}
	return s + strconv.FormatInt(b.Size, 10) + " bytes"
}
