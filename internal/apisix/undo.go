package apisix

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/apisixscope/apisixscope/internal/text"
)

// Change is what is done to a plugin.
type Change string

// The changes.
const (
	Enable  Change = "enable"
	Disable Change = "disable"
)

// ErrChanged is for a resource that is not as this program left it.
var ErrChanged = errors.New("changed by somebody else")

// An Undo is a change of one plugin of a resource, and what takes it back. It is saved before
// the change is made:
//
//	Holder -> NewUndo -> Undos.Save -> Client.Make -> Undos.Save -> … -> Client.Undo -> Undos.Remove
//
// It holds the secrets of the resource's plugins, but not the key of the Admin API.
type Undo struct {
	ID    string    `json:"id"`
	Made  time.Time `json:"made"`
	Until time.Time `json:"until,omitzero"` // when its process undoes it; zero for a change that stays
	PID   int       `json:"pid"`
	Admin string    `json:"admin"`           // the address of the Admin API
	Named bool      `json:"named,omitempty"` // the user named it; else it was found

	Kind   Kind   `json:"kind"`
	Object string `json:"object"` // the resource's id
	Plugin string `json:"plugin"`
	Change Change `json:"change"`

	Before       json.RawMessage `json:"before"` // the resource's value
	BeforeIndex  int64           `json:"before_index"`
	CreatedIndex int64           `json:"created_index"`
	After        json.RawMessage `json:"after"`       // the value that is meant, or if AfterIndex is known, the one that came of it
	AfterIndex   int64           `json:"after_index"` // 0 until the change is known to be made
}

// NewUndo is for a change of a plugin of h: switched off, or enabled with a configuration, or
// if that is nil, with the one it has.
func (c *Client) NewUndo(h *Holder, plugin string, change Change, conf []byte) *Undo {
	u := &Undo{
		ID: strings.ToLower(rand.Text()[:6]), Made: time.Now().UTC().Truncate(time.Millisecond), Admin: c.URL(),
		Kind: h.Kind, Object: h.ID, Plugin: plugin, Change: change,
		Before: h.Raw, BeforeIndex: h.ModifiedIndex, CreatedIndex: h.CreatedIndex,
	}
	if change == Disable {
		u.After = h.disabled(plugin)
	} else {
		u.After = h.enabled(plugin, conf)
	}
	return u
}

// Nothing reports whether the resource is already as the change would make it.
func (u *Undo) Nothing() bool { return len(changes(u.Before, u.After)) == 0 }

// Resource names the resource, such as "route 1".
func (u *Undo) Resource() string { return u.Kind.one() + " " + u.Object }

// Same reports whether two changes are of the same resource.
func (u *Undo) Same(v *Undo) bool {
	return u.Admin == v.Admin && u.Kind == v.Kind && u.Object == v.Object
}

// changes compares two values of a resource. The time of the last change is none.
func changes(a, b []byte) []difference {
	return slices.DeleteFunc(differences(gjson.ParseBytes(a), gjson.ParseBytes(b)), func(d difference) bool { return d.path == "update_time" })
}

// untouched reports whether the resource is as it was before the change.
func (u *Undo) untouched(r *Resource) bool {
	return u.sameObject(r) && len(changes(u.Before, r.Raw)) == 0
}

// sameObject is false for a resource of the same id that was made later, or of another etcd.
func (u *Undo) sameObject(r *Resource) bool {
	return u.CreatedIndex == 0 || r.CreatedIndex == 0 || u.CreatedIndex == r.CreatedIndex
}

// theirs tells what of a resource is not this program's doing; nothing if all of it is. kept
// is what the API said that it keeps, if that is known: etcd has some secrets encrypted, and
// members that the schema sets by default.
func (u *Undo) theirs(r *Resource, kept []byte) []string {
	switch {
	case !u.sameObject(r):
		return []string{"it was made anew, or is another gateway's"}
	case u.AfterIndex != 0 && r.ModifiedIndex == u.AfterIndex:
		return nil
	}
	ours := map[string]bool{}
	found := changes(u.After, r.Raw)
	if kept != nil {
		for _, d := range found {
			ours[d.path] = true
		}
		for _, d := range changes(kept, r.Raw) {
			delete(ours, d.path)
		}
	}
	var all []string
	for _, d := range found {
		byDefault := u.AfterIndex == 0 && d.added && strings.HasPrefix(d.path, "plugins."+u.Plugin+".")
		if !ours[d.path] && !byDefault {
			all = append(all, text.Clean(d.path))
		}
	}
	if len(all) == 0 && u.AfterIndex != 0 && r.ModifiedIndex != 0 {
		return []string{"it was written anew with the same content"}
	}
	return all
}

// changed is the error for a resource that somebody else has changed.
func (u *Undo) changed(r *Resource, what []string) error {
	const most = 5
	if more := len(what) - most; more > 0 {
		what = append(slices.Clone(what[:most]), fmt.Sprintf("and %d more", more))
	}
	words := strings.Join(what, ", ")
	if r.ModifiedIndex != 0 && u.AfterIndex != 0 {
		words += fmt.Sprintf(" (modifiedIndex is %d, and was %d after the change of %s)", r.ModifiedIndex, u.AfterIndex, u.Plugin)
	}
	return fmt.Errorf("%s was %w: %s", u.Resource(), ErrChanged, words)
}
