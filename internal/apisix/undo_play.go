package apisix

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// settleTime is how long a change that got no answer may yet be made: the request may be on
// its way, or wait for etcd.
const settleTime = 5 * time.Second

// Make makes the change. sent is false if it is sure that nothing was changed. Where it is
// known that the change was made, u knows by which revision.
//
// The Admin API compares no revisions, so what somebody else writes between the last look and
// the change is lost: the look comes right before.
func (c *Client) Make(ctx context.Context, u *Undo) (sent bool, err error) {
	h, err := c.Holder(ctx, u.Kind, u.Object)
	if err != nil {
		return false, err
	}
	if h.ModifiedIndex != u.BeforeIndex || !u.untouched(&h.Resource) {
		return false, fmt.Errorf("%s was %w meanwhile: nothing was changed", u.Resource(), ErrChanged)
	}
	kept, err := c.put(ctx, u.Kind, u.Object, u.After)
	if errors.Is(err, ErrRefused) {
		return false, err
	}
	if err != nil {
		return c.settle(ctx, u, err)
	}
	if h, err = c.Holder(ctx, u.Kind, u.Object); err != nil {
		return true, nil // Undo compares values then
	}
	if what := u.theirs(&h.Resource, kept); len(what) > 0 {
		return true, u.changed(&h.Resource, what)
	}
	u.After, u.AfterIndex = h.Raw, h.ModifiedIndex
	return true, nil
}

// settle looks what became of a change that failed with err.
func (c *Client) settle(ctx context.Context, u *Undo, err error) (sent bool, _ error) {
	for until := time.Now().Add(settleTime); ; {
		h, failed := c.Holder(ctx, u.Kind, u.Object)
		switch {
		case failed != nil:
		case !u.untouched(&h.Resource):
			if what := u.theirs(&h.Resource, nil); len(what) > 0 {
				return true, errors.Join(err, u.changed(&h.Resource, what))
			}
			u.After, u.AfterIndex = h.Raw, h.ModifiedIndex
			return true, nil
		case time.Now().After(until):
			return false, err
		}
		if failed != nil && time.Now().After(until) || !sleep(ctx, settleTime/10) {
			return true, err
		}
	}
}

// sleep reports whether the time passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// Reach is how much Undo may put back.
type Reach int

// The reaches.
const (
	Unchanged  Reach = iota // the whole resource, if nobody else has changed it
	OnlyPlugin              // the plugin, if nobody else has changed that
	Force                   // the whole resource, whatever it is now
)

// Undone says what an Undo found and did.
type Undone struct {
	Before bool  // nothing was to be done: all is as it was before the change
	Never  bool  // the change was never made
	Index  int64 // of the revision that is there now; 0 if that is not all as it was before
}

// Undo takes the change back, and looks whether all is as it was. It may be called again
// after any error.
func (c *Client) Undo(ctx context.Context, u *Undo, reach Reach) (Undone, error) {
	h, err := c.Holder(ctx, u.Kind, u.Object)
	switch {
	case errors.Is(err, errNoSuchKey) && reach == Force:
		h = Holder{}
	case errors.Is(err, errNoSuchKey):
		return Undone{}, fmt.Errorf("%s was %w: it is not there any more", u.Resource(), ErrChanged)
	case err != nil:
		return Undone{}, err
	}
	if h.Raw != nil && u.untouched(&h.Resource) {
		if h, err = c.unsent(ctx, u, h); err != nil {
			return Undone{}, err
		}
		if u.untouched(&h.Resource) {
			return Undone{Before: true, Never: h.ModifiedIndex == u.BeforeIndex, Index: h.ModifiedIndex}, nil
		}
	}
	value := []byte(u.Before)
	switch reach {
	case Unchanged:
		if what := u.theirs(&h.Resource, nil); len(what) > 0 {
			return Undone{}, u.changed(&h.Resource, what)
		}
	case OnlyPlugin:
		if value, err = u.onlyPlugin(&h.Resource); err != nil {
			return Undone{}, err
		}
		if len(changes(value, h.Raw)) == 0 {
			return Undone{Before: true}, nil
		}
	}
	if _, err := c.put(ctx, u.Kind, u.Object, value); err != nil {
		return Undone{}, err
	}
	done, err := c.verify(ctx, u, value, h.Raw == nil)
	if reach == OnlyPlugin {
		done.Index = 0
	}
	return done, err
}

// unsent waits until a change that was begun a moment ago, by a process that is no more, can
// be taken for one that was not sent.
func (c *Client) unsent(ctx context.Context, u *Undo, h Holder) (Holder, error) {
	began := time.Now() // Made may be in the future, by a clock that was set back
	for u.AfterIndex == 0 && u.untouched(&h.Resource) && max(time.Since(began), time.Since(u.Made)) < settleTime {
		if !sleep(ctx, settleTime/10) {
			return h, ctx.Err()
		}
		var err error
		if h, err = c.Holder(ctx, u.Kind, u.Object); err != nil {
			return h, err
		}
	}
	return h, nil
}

// verify reads back what was put. Members that the API set by default are no difference, nor
// is the time when a resource was made that was not there.
func (c *Client) verify(ctx context.Context, u *Undo, value []byte, anew bool) (Undone, error) {
	h, err := c.Holder(ctx, u.Kind, u.Object)
	if err != nil {
		return Undone{}, err
	}
	var what []string
	for _, d := range changes(value, h.Raw) {
		if !d.added && !(anew && d.path == "create_time") {
			what = append(what, d.path)
		}
	}
	if len(what) > 0 {
		return Undone{}, fmt.Errorf("%s was put back and is not as it was: %s", u.Resource(), strings.Join(what, ", "))
	}
	return Undone{Index: h.ModifiedIndex}, nil
}

// onlyPlugin is the resource's present value with the plugin as it was before the change.
func (u *Undo) onlyPlugin(r *Resource) ([]byte, error) {
	if !u.sameObject(r) {
		return nil, u.changed(r, u.theirs(r, nil))
	}
	before, now, after := pluginOf(u.Before, u.Plugin), pluginOf(r.Raw, u.Plugin), pluginOf(u.After, u.Plugin)
	if len(differences(before, now)) == 0 {
		return r.Raw, nil
	}
	for _, d := range differences(after, now) {
		if !d.added || u.AfterIndex != 0 {
			return nil, fmt.Errorf("%s was %w: the plugin itself, at %s", u.Resource(), ErrChanged, strings.TrimSuffix("plugins."+u.Plugin+"."+d.path, "."))
		}
	}
	if before.Exists() {
		return withPlugin(r.Raw, u.Plugin, []byte(before.Raw)), nil
	}
	value := withPlugin(r.Raw, u.Plugin, nil)
	if !member(gjson.ParseBytes(u.Before), "plugins").Exists() && hollow(member(gjson.ParseBytes(value), "plugins")) {
		value = dropMember(value, "plugins")
	}
	return value, nil
}
