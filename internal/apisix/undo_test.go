package apisix

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/hint"
)

func undo(id string) *Undo {
	return &Undo{
		ID: id, Made: time.Now().UTC().Truncate(time.Millisecond), Admin: "http://a", Kind: Routes, Object: "1", Plugin: "p", Change: Enable,
		Before: []byte(`{"a":"<&>"}`), After: []byte(`{"a":"<&>","plugins":{"p":{}}}`), BeforeIndex: 7, AfterIndex: 8,
	}
}

func TestUndosKeepWhatWasSaved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "undo")
	s := NewUndos(dir)
	if list, err := s.List(); err != nil || len(list) > 0 {
		t.Errorf("before the first: %v, %v", list, err)
	}
	first, second := undo("first1"), undo("second")
	second.Made = first.Made.Add(time.Second)
	second.BeforeIndex, second.AfterIndex = 8, 9
	for _, u := range []*Undo{first, second, first} {
		if err := s.Save(u); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.List()
	if err != nil || len(list) != 2 || list[0].ID != "second" {
		t.Fatalf("%v, %v", list, err)
	}
	if got := list[1]; len(changes(got.Before, first.Before))+len(changes(got.After, first.After)) > 0 || !got.Made.Equal(first.Made) || got.AfterIndex != 8 {
		t.Errorf("%+v, want %+v", got, first)
	}
	if err := s.Rebase(second, 10); err != nil {
		t.Error(err)
	}
	if u, err := s.Load("first1"); err != nil || u.AfterIndex != 10 {
		t.Errorf("%+v, %v", u, err)
	}
	for _, u := range list {
		if err := s.Remove(u); err != nil {
			t.Error(err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	for _, id := range []string{"first1", "../x", ""} {
		if _, err := s.Load(id); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// What an undo holds is written with the key of the Admin API.
func TestUndosRefuseWhatOthersMayWrite(t *testing.T) {
	dir := t.TempDir()
	s := NewUndos(dir)
	u := undo("abcdef")
	if err := s.Save(u); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "abcdef.json")
	for _, tt := range []struct {
		do   func() error
		want string
	}{
		{func() error { return os.Chmod(file, 0o622) }, "others may write to it"},
		{func() error {
			return errors.Join(os.Chmod(file, 0o600), os.WriteFile(file, []byte(`{"id":"abcdef","before":{"secret`), 0))
		}, "it is damaged"},
		{func() error { return os.WriteFile(file, []byte(`{"id":"abcdef"}`), 0o600) }, "it is not one of this program"},
		{func() error { return errors.Join(os.Rename(file, file+"x"), os.Symlink(file+"x", file)) }, "too many levels of symbolic links"},
	} {
		if err := tt.do(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.List(); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(u); err == nil || !strings.Contains(hint.Of(err), "chmod") {
		t.Errorf("a directory for all: %v", err)
	}
}

func TestLockIsOfOneProcess(t *testing.T) {
	s := NewUndos(t.TempDir())
	u, other := undo("abcdef"), undo("ghijkl")
	other.Object = "2"
	l, err := s.Lock(u)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lock(u); !errors.Is(err, ErrBusy) || !s.Busy(u) || s.Busy(other) {
		t.Errorf("%v", err)
	}
	l.Release()
	if s.Busy(u) {
		t.Error("it stays locked")
	}
}

func TestTheirs(t *testing.T) {
	u := undo("abcdef")
	u.CreatedIndex = 3
	with := func(raw string, index int64) *Resource {
		return &Resource{Raw: []byte(raw), ModifiedIndex: index, CreatedIndex: 3}
	}
	const ours, defaults = `{"a":"<&>","plugins":{"p":{}}}`, `{"a":"<&>","plugins":{"p":{"n":1}}}`
	for _, tt := range []struct {
		r     *Resource
		known int64 // our revision
		kept  string
		want  string
	}{
		{r: with(ours, 8), known: 8},
		{r: with(ours, 9), known: 8, want: "it was written anew with the same content"},
		{r: with(`{"a":"b"}`, 9), known: 8, want: "a plugins.p"},
		{r: with(ours, 9)},
		{r: with(defaults, 9)},
		{r: with(defaults, 9), kept: defaults},
		{r: with(`{"a":"<&>","plugins":{"p":{},"q":{"n":1}}}`, 9), want: "plugins.q.n"},
		{r: with(`{"a":"<&>","plugins":{"p":{},"q":{"n":1}}}`, 9), kept: `{"a":"<&>","plugins":{"p":{},"q":{"n":1}}}`},
		{r: with(`{"a":"x","plugins":{"p":{}}}`, 9), kept: ours, want: "a"},
		{r: &Resource{Raw: []byte(ours), ModifiedIndex: 9, CreatedIndex: 9}, want: "it was made anew, or is another gateway's"},
	} {
		u.AfterIndex = tt.known
		var kept []byte
		if tt.kept != "" {
			kept = []byte(tt.kept)
		}
		if got := strings.Join(u.theirs(tt.r, kept), " "); got != tt.want {
			t.Errorf("%s at %d: %q, want %q", tt.r.Raw, tt.r.ModifiedIndex, got, tt.want)
		}
	}
}
