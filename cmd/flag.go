package cmd

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The values of flags below say themselves what is wrong with a word: flagError puts the
// flag's name before it.

// words is a flag that may be given again and takes lists; each goes to add.
type words struct {
	add   func(string) error
	kind  string
	given []string
}

func (w *words) Set(s string) error {
	w.given = append(w.given, s)
	return w.add(s)
}
func (w *words) String() string { return strings.Join(w.given, ",") }
func (w *words) Type() string   { return w.kind }

// period is a flag for a length of time.
type period struct{ to *time.Duration }

func (p period) Set(word string) error {
	d, err := time.ParseDuration(word)
	switch {
	case word == "0":
	case err != nil:
		return fmt.Errorf("%q is not a length of time: write 200ms, 30s or 5m", word)
	case d < 0:
		return fmt.Errorf("must not be negative: got %s", word)
	}
	*p.to = d
	return nil
}
func (p period) String() string {
	if p.to == nil || *p.to == 0 {
		return "0"
	}
	return p.to.String()
}
func (p period) Type() string { return "TIME" }

// number is a flag for a whole number, least at the least.
type number[N int | uint64] struct {
	to    *N
	least N
}

func (n number[N]) Set(word string) error {
	v, err := strconv.ParseUint(word, 10, 31)
	if err != nil || N(v) < n.least {
		return fmt.Errorf("must be a whole number, %d or more: got %q", n.least, word)
	}
	*n.to = N(v)
	return nil
}
func (n number[N]) String() string {
	if n.to == nil {
		return "0"
	}
	return strconv.FormatUint(uint64(*n.to), 10)
}
func (n number[N]) Type() string { return "N" }

// choice is a flag for one of a few words.
type choice struct {
	to   *string
	kind string
	from []string
}

func (c choice) Set(word string) error {
	if !slices.Contains(c.from, word) {
		return fmt.Errorf("must be one of %s: got %q", strings.Join(c.from, ", "), word)
	}
	*c.to = word
	return nil
}
func (c choice) String() string {
	if c.to == nil {
		return ""
	}
	return *c.to
}
func (c choice) Type() string { return c.kind }

// bytesUpTo is a flag for a number of bytes, at most max.
type bytesUpTo struct {
	to  *int
	max int
}

func (b bytesUpTo) Set(word string) error {
	n, err := strconv.Atoi(word)
	if err != nil || n < 0 || n > b.max {
		return fmt.Errorf("must be a number of bytes from 0 to %d: got %s", b.max, word)
	}
	*b.to = n
	return nil
}

func (b bytesUpTo) String() string {
	if b.to == nil {
		return "0"
	}
	return strconv.Itoa(*b.to)
}

func (b bytesUpTo) Type() string { return "BYTES" }
