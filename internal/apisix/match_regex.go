package apisix

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// What APISIX leaves to PCRE, Go's RE2 decides only where both mean the same.
const (
	maxPattern = 2 << 10  // bytes
	maxProgram = 20_000   // instructions
	maxSteps   = 50 << 20 // instructions times bytes: well below a second
)

var errPCRE = errors.New("only PCRE knows")

// A pattern is a regular expression of APISIX's, over bytes.
type pattern struct {
	source string
	re     *regexp.Regexp
	size   int
}

func newPattern(source string, fold bool) (*pattern, error) {
	undecided := func(why string) error {
		return fmt.Errorf("the regular expression %s cannot be decided here: %s: %w", shorten(source), why, errPCRE)
	}
	if len(source) > maxPattern {
		return nil, undecided("it is too long")
	}
	for _, means := range differs {
		if strings.Contains(source, means) {
			return nil, undecided(means + " differs from RE2's")
		}
	}
	for i := 0; i+2 < len(source); i++ { // \10 is a group's text, or an octal number
		if source[i] == '\\' && '1' <= source[i+1] && source[i+1] <= '9' {
			return nil, undecided("it refers back")
		}
	}
	flags := syntax.Perl
	if fold {
		flags |= syntax.FoldCase
	}
	tree, err := syntax.Parse(private(source), flags)
	if err != nil {
		return nil, undecided("RE2 does not know it")
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil || len(prog.Inst) > maxProgram {
		return nil, undecided("it is too large")
	}
	re, err := regexp.Compile(flagged(source, fold))
	if err != nil {
		return nil, undecided("RE2 does not know it")
	}
	return &pattern{source, re, len(prog.Inst)}, nil
}

// differs is what both know and read differently.
var differs = []string{`\v`, `\p`, `\P`, `\x{`, `\C`}

func flagged(source string, fold bool) string {
	if fold {
		return "(?i:" + private(source) + ")"
	}
	return private(source)
}

// private gives each byte beyond ASCII a code point of its own that has no upper and no lower
// case: APISIX's PCRE reads bytes, not UTF-8.
func private(s string) string {
	ascii := true
	for i := range len(s) {
		ascii = ascii && s[i] < 0x80
	}
	if ascii {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if s[i] < 0x80 {
			b.WriteByte(s[i])
		} else {
			b.WriteRune(0xE000 + rune(s[i]))
		}
	}
	return b.String()
}

// check says whether it may be asked about s.
func (p *pattern) check(s string) error {
	switch {
	case p.size*len(s) > maxSteps:
		return fmt.Errorf("%s is too much for the regular expression %s: %w", shorten(s), shorten(p.source), errPCRE)
	case strings.HasSuffix(s, "\n") && strings.Contains(p.source, "$"), // PCRE's $ is also before a last newline
		strings.Contains(s, "\v") && strings.Contains(strings.ToLower(p.source), `\s`),
		private(s) != s && strings.Contains(p.source, `\x`):
		return fmt.Errorf("the regular expression %s cannot be decided here for %s: %w", shorten(p.source), shorten(s), errPCRE)
	}
	return nil
}

// matches reports whether s has a match, as ngx.re.find does.
func (p *pattern) matches(s string) (bool, error) {
	if err := p.check(s); err != nil {
		return false, err
	}
	return p.re.MatchString(private(s)), nil
}

// matchesAll reports whether the first match in s is all of it.
func (p *pattern) matchesAll(s string) (bool, error) {
	if err := p.check(s); err != nil {
		return false, err
	}
	s = private(s)
	at := p.re.FindStringIndex(s)
	return at != nil && at[0] == 0 && at[1] == len(s), nil
}

// shorten quotes a text that may be long, without what looks like a secret.
func shorten(s string) string {
	const most = 80
	s = mild(s)
	if len(s) > most {
		return fmt.Sprintf("%q…", s[:most])
	}
	return fmt.Sprintf("%q", s)
}
