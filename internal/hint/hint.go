// Package hint holds errors that carry a remedy, and errors that mean misuse.
//
//	room: Wrap(err, remedy) -> … -> main: Print, exit code
//
// A remedy never becomes part of the error's text: it is shown on a line of
// its own, once, by main.
package hint

import (
	"errors"
	"fmt"
	"io"
)

// remedied is an error and what the user can do about it.
type remedied struct {
	error
	remedy string
}

func (e *remedied) Unwrap() error { return e.error }

// Wrap returns err with a remedy attached. The text stays err's, and
// errors.Is and errors.As see through it. A nil err stays nil, and an empty
// remedy adds nothing.
func Wrap(err error, remedy string) error {
	if err == nil || remedy == "" {
		return err
	}
	return &remedied{err, remedy}
}

// Of returns err's remedy, or "" where none is known. Of several the outermost
// counts: a caller knows more of the user's situation than what it called.
func Of(err error) string {
	if e, ok := errors.AsType[*remedied](err); ok {
		return e.remedy
	}
	return ""
}

// misused marks an error that the user's own words caused.
type misused struct{ error }

func (e *misused) Unwrap() error { return e.error }

// Misuse marks err as caused by the command line: a wrong flag, value or
// argument. The program exits with 2 for it. A nil err stays nil.
func Misuse(err error) error {
	if err == nil {
		return nil
	}
	return &misused{err}
}

// IsMisuse reports whether err, or an error it wraps, was marked by Misuse.
func IsMisuse(err error) bool {
	_, ok := errors.AsType[*misused](err)
	return ok
}

// Print writes err as main shows it: the program and the error on one line,
// and the remedy, if there is one, on the next. A nil err prints nothing.
func Print(w io.Writer, program string, err error) {
	if err == nil {
		return
	}
	fmt.Fprintf(w, "%s: %v\n", program, err)
	if remedy := Of(err); remedy != "" {
		fmt.Fprintf(w, "hint: %s\n", remedy)
	}
}
