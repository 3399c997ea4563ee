package hint_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/hint"
)

func TestWrap(t *testing.T) {
	if err := hint.Wrap(nil, "run as root"); err != nil {
		t.Errorf("Wrap(nil) = %v, want nil", err)
	}
	if err := hint.Wrap(fs.ErrPermission, ""); err != fs.ErrPermission {
		t.Errorf("Wrap with an empty remedy = %#v, want the error itself", err)
	}

	cause := &fs.PathError{Op: "open", Path: "/proc/1/exe", Err: fs.ErrPermission}
	err := fmt.Errorf("attach: %w", hint.Wrap(cause, "run as root"))
	if got, want := err.Error(), "attach: open /proc/1/exe: permission denied"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if !errors.Is(err, fs.ErrPermission) {
		t.Error("errors.Is does not see through Wrap")
	}
	if e, ok := errors.AsType[*fs.PathError](err); !ok || e != cause {
		t.Error("errors.As does not see through Wrap")
	}
}

func TestOf(t *testing.T) {
	base := errors.New("not found")
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"nil", nil, ""},
		{"no remedy", base, ""},
		{"one", hint.Wrap(base, "a"), "a"},
		{"below a layer", fmt.Errorf("find: %w", hint.Wrap(base, "a")), "a"},
		{"the outermost counts", hint.Wrap(fmt.Errorf("find: %w", hint.Wrap(base, "inner")), "outer"), "outer"},
		{"joined", errors.Join(base, hint.Wrap(base, "b")), "b"},
		{"beside a misuse", hint.Misuse(hint.Wrap(base, "a")), "a"},
	} {
		if got := hint.Of(tt.err); got != tt.want {
			t.Errorf("%s: Of = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestMisuse(t *testing.T) {
	if err := hint.Misuse(nil); err != nil || hint.IsMisuse(err) {
		t.Errorf("Misuse(nil) = %v, want nil", err)
	}
	base := errors.New("--count must not be negative: got -1")
	if hint.IsMisuse(base) {
		t.Error("IsMisuse of a plain error")
	}
	err := fmt.Errorf("trace: %w", hint.Wrap(hint.Misuse(base), "see --help"))
	if !hint.IsMisuse(err) || !errors.Is(err, base) {
		t.Error("the mark or the cause is lost below other layers")
	}
	if got, want := err.Error(), "trace: "+base.Error(); got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

func TestPrint(t *testing.T) {
	base := errors.New("attach to worker 4131: operation not permitted")
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"nil", nil, ""},
		{"plain", base, "apisixscope: attach to worker 4131: operation not permitted\n"},
		{
			"with a remedy", hint.Wrap(base, "run as root"),
			"apisixscope: attach to worker 4131: operation not permitted\nhint: run as root\n",
		},
	} {
		var out strings.Builder
		hint.Print(&out, "apisixscope", tt.err)
		if out.String() != tt.want {
			t.Errorf("%s: printed %q, want %q", tt.name, out.String(), tt.want)
		}
	}
}
