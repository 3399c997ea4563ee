package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/hint"
)

// pluginWindow is a change of a plugin from its saved undo to its end.
type pluginWindow struct {
	env    Env
	client *apisix.Client
	undos  *apisix.Undos
	undo   *apisix.Undo
	window time.Duration // 0 for a change that stays
	retry  time.Duration
}

// run makes the change, and takes it back if it is to end. Once the change is begun, the end
// of ctx ends the window early and nothing else.
func (w *pluginWindow) run(ctx context.Context) error {
	u := w.undo
	if err := w.undos.Save(u); err != nil {
		return unsaved(err)
	}
	if ctx.Err() != nil {
		return w.undos.Remove(u)
	}
	calls, cancel := w.calls(ctx)
	defer cancel()
	sent, err := w.client.Make(calls, u)
	switch {
	case err != nil && !sent:
		return errors.Join(w.refused(err), w.undos.Remove(u))
	case err != nil:
		return w.unsure(err)
	}
	// Without this, the revision is not known to restore, which compares values then.
	if err := w.undos.Save(u); err != nil {
		w.say("note: %v", err)
	}
	if w.window == 0 {
		w.say("%s: %s is %sd; to undo it: apisixscope restore %s", u.Resource(), u.Plugin, u.Change, u.ID)
		return nil
	}
	end := time.Now().Add(w.window)
	w.say("%s: %s is %sd until %s; Ctrl-C undoes it at once", u.Resource(), u.Plugin, u.Change, end.Format(time.TimeOnly))
	w.say("if this process is killed before: apisixscope restore %s", u.ID)
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(end)):
	}
	return w.takeBack(calls)
}

// say tells on stderr. That nobody can hear it any more is no reason to leave the change.
func (w *pluginWindow) say(format string, args ...any) { _ = tell(w.env.Err, format, args...) }

// calls is a context that the first signal does not end, and the second does.
func (w *pluginWindow) calls(ctx context.Context) (context.Context, context.CancelFunc) {
	calls, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		select {
		case <-w.env.Hurry:
			cancel()
		case <-calls.Done():
		}
	}()
	return calls, cancel
}

// refused is the error of a change that was not made.
func (w *pluginWindow) refused(err error) error {
	if errors.Is(err, apisix.ErrRefused) && hint.Of(err) == "" {
		return hint.Wrap(err, fmt.Sprintf("nothing was changed; what it takes is shown by: apisixscope admin plugin show %s --%s %s --schema", w.undo.Plugin, targetFlag(w.undo.Kind), w.undo.Object))
	}
	return err
}

// unsure is the error of a change of which it is not known whether it was made, or that met
// with another.
func (w *pluginWindow) unsure(err error) error {
	if errors.Is(err, apisix.ErrChanged) {
		return w.kept(err)
	}
	return hint.Wrap(fmt.Errorf("it is not known whether the change was made: %v", err), "the undo is saved: once the Admin API answers, run: apisixscope restore "+w.undo.ID)
}

// takeBack undoes the change, and tries again for a while if the Admin API does not answer.
func (w *pluginWindow) takeBack(calls context.Context) error {
	until := time.Now().Add(w.retry)
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		done, err := w.client.Undo(calls, w.undo, apisix.Unchanged)
		if err == nil {
			return w.settle(done)
		}
		if final(err) || calls.Err() != nil || time.Now().Add(pause).After(until) {
			return w.kept(err)
		}
		w.say("not undone yet, trying until %s, Ctrl-C twice gives up: %v", until.Format(time.TimeOnly), err)
		select {
		case <-calls.Done():
		case <-time.After(pause):
		}
	}
}

// final reports whether trying again is of no use. Without etcd, APISIX refuses changes, too.
func final(err error) bool {
	return errors.Is(err, apisix.ErrChanged) || errors.Is(err, apisix.ErrKey)
}

// settle forgets an undo that is done with.
func (w *pluginWindow) settle(done apisix.Undone) error {
	words, err := settled(w.undos, w.undo, done)
	w.say("%s", words)
	return err
}

// kept is the error of a change that is not undone. It hides that the cause may be the end of
// a context: this is no good end.
func (w *pluginWindow) kept(err error) error {
	id := w.undo.ID
	remedy := "the undo is saved: once the Admin API answers, run: apisixscope restore " + id
	if errors.Is(err, apisix.ErrChanged) {
		remedy = changedRemedy(id)
	}
	return hint.Wrap(fmt.Errorf("%s of %s is not undone: %v", w.undo.Plugin, w.undo.Resource(), err), remedy)
}

// changedRemedy tells what there is for a resource that somebody else has changed.
func changedRemedy(id string) string {
	return fmt.Sprintf("their change is kept; to undo the plugin alone: apisixscope restore %s --only-plugin; to put the whole back and lose their change: apisixscope restore %[1]s --force", id)
}
