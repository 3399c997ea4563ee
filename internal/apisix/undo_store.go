package apisix

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/internal/hint"
)

const (
	undoEnd = ".json"
	maxUndo = 8 << 20 // APISIX takes 1.5 MiB, and an undo has two values
)

// Undos are the undos that are saved in a directory, one a file, that the user alone can read.
type Undos struct{ dir string }

// NewUndos returns those of a directory, which need not be there yet.
func NewUndos(dir string) *Undos { return &Undos{dir} }

var undoID = regexp.MustCompile(`^[a-z0-9]{4,16}$`)

// Save writes u to the disk, in place of what was saved of it. When it returns, u outlives a
// crash of the machine.
func (s *Undos) Save(u *Undo) error {
	if err := s.save(u); err != nil {
		return fmt.Errorf("save the undo %s in %s: %w", u.ID, s.dir, pathless(err))
	}
	return nil
}

func (s *Undos) save(u *Undo) error {
	data, err := json.Marshal(u)
	if err != nil {
		return err
	}
	if err := s.makeDir(); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir, ".undo-*") // its mode is 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.path(u.ID))
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error tells more
		return err
	}
	return syncDir(s.dir)
}

// Remove forgets u.
func (s *Undos) Remove(u *Undo) error {
	err := os.Remove(s.path(u.ID))
	if err == nil {
		err = syncDir(s.dir)
	}
	if err != nil {
		return fmt.Errorf("remove the undo %s in %s: %w", u.ID, s.dir, pathless(err))
	}
	return nil
}

func (s *Undos) path(id string) string { return filepath.Join(s.dir, id+undoEnd) }

// makeDir makes the directory, or refuses one in which somebody else may put undos: what they
// hold is written with the key of the Admin API.
func (s *Undos) makeDir() error {
	if err := mkdir(s.dir); err != nil {
		return err
	}
	info, err := os.Stat(s.dir)
	if err != nil {
		return err
	}
	return ownOnly(info)
}

// mkdir is os.MkdirAll with names that outlive a crash of the machine.
func mkdir(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := mkdir(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func ownOnly(info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case ok && int(stat.Uid) != os.Geteuid():
		return hint.Wrap(fmt.Errorf("it is of user %d", stat.Uid), "run this as that user, or set XDG_STATE_HOME to a directory of your own")
	case info.Mode().Perm()&0o022 != 0:
		return hint.Wrap(errors.New("others may write to it"), "take that from them: chmod go-w")
	}
	return nil
}

// pathless is what the system said, without the name of a file.
func pathless(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// List returns the undos, the newest first. The error is of those that cannot be read.
func (s *Undos) List() ([]*Undo, error) {
	files, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the undos in %s: %w", s.dir, pathless(err))
	}
	var all []*Undo
	var bad error
	for _, f := range files {
		id, found := strings.CutSuffix(f.Name(), undoEnd)
		if !found || !undoID.MatchString(id) {
			continue
		}
		u, err := s.Load(id)
		if errors.Is(err, ErrNotFound) {
			continue // it was undone meanwhile
		}
		if err != nil {
			bad = errors.Join(bad, err)
			continue
		}
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b *Undo) int { return cmp.Or(b.Made.Compare(a.Made), strings.Compare(a.ID, b.ID)) })
	return all, bad
}

// Load reads one undo. The error is ErrNotFound where there is none.
func (s *Undos) Load(id string) (*Undo, error) {
	if !undoID.MatchString(id) {
		return nil, fmt.Errorf("undo %q: %w", id, ErrNotFound)
	}
	u, err := s.load(id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("undo %s: %w in %s", id, ErrNotFound, s.dir)
	}
	if err != nil {
		return nil, fmt.Errorf("read the undo %s: %w", s.path(id), pathless(err))
	}
	return u, nil
}

func (s *Undos) load(id string) (*Undo, error) {
	f, err := os.OpenFile(s.path(id), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := ownOnly(info); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxUndo))
	if err != nil {
		return nil, err
	}
	u := &Undo{}
	if err := json.Unmarshal(data, u); err != nil {
		return nil, errors.New("it is damaged") // the error of the library repeats what is in it
	}
	if u.ID != id || !slices.Contains(PluginKinds(), u.Kind) || u.Object == "" || u.Plugin == "" || len(u.Before) == 0 || len(u.After) == 0 {
		return nil, errors.New("it is not one of this program")
	}
	return u, nil
}

// Rebase tells an earlier change of the same resource that a later one, u, is undone by the
// revision index: the resource is again as the earlier one left it.
func (s *Undos) Rebase(u *Undo, index int64) error {
	list, _ := s.List() // what cannot be read has no revision to be set
	for _, v := range list {
		if v.Same(u) && v.ID != u.ID && v.AfterIndex != 0 && v.AfterIndex == u.BeforeIndex && index != 0 {
			v.AfterIndex = index
			return s.Save(v)
		}
	}
	return nil
}
