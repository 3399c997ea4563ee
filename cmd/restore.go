package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/render"
)

// restoreOptions is what a user may ask of restore.
type restoreOptions struct {
	access     *access
	all        bool
	onlyPlugin bool
	force      bool
	forget     bool
	format     string
}

func newRestoreCmd(env Env) *cobra.Command {
	o := &restoreOptions{access: &access{timeout: 5 * time.Second}, format: "table"}
	cmd := &cobra.Command{
		Use:   "restore [ID...]",
		Short: "Undo changes of plugins that are not undone",
		Long: `Restore shows the undos that "apisixscope admin plugin" has saved, and undoes
those whose IDs are given. An undo whose time has not come yet is left to its
process.

A resource that somebody else has changed since is left as it is, unless
--only-plugin or --force says how much is to be put back.

The Admin API is asked as by "apisixscope admin": it is the one that was named
with --admin for the change, if it is not named here.`,
		Example: `  apisixscope restore                        # what is not undone?
  apisixscope restore k3fq7a
  apisixscope restore k3fq7a --only-plugin   # keeps what others have changed
  apisixscope restore --all --admin http://10.0.0.4:9180`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), env, args)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return savedIDs(env), cobra.ShellCompDirectiveNoFileComp
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&o.all, "all", false, "undo all of them, the newest first")
	f.BoolVar(&o.onlyPlugin, "only-plugin", false, "put back the plugin alone, and keep what others have changed")
	f.BoolVar(&o.force, "force", false, "put back the whole resource, even if others have changed it")
	f.BoolVar(&o.forget, "forget", false, "remove the undo, and change nothing")
	f.StringVarP(&o.format, "output", "o", o.format, "of the list, as `FORMAT` table or json")
	o.access.addFlags(f)
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(healthFormats(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func savedIDs(env Env) []string {
	saved, err := undos(env)
	if err != nil {
		return nil
	}
	list, _ := saved.List() // what cannot be read has no completion
	var ids []string
	for _, u := range list {
		ids = append(ids, u.ID)
	}
	return ids
}

func (o *restoreOptions) check(ids []string) error {
	ways := 0
	for _, on := range []bool{o.onlyPlugin, o.force, o.forget} {
		if on {
			ways++
		}
	}
	switch {
	case o.format != "table" && o.format != "json":
		return render.UnknownFormat(o.format, healthFormats())
	case ways > 1:
		return hint.Misuse(errors.New("--only-plugin, --force and --forget do not go together"))
	case o.all && len(ids) > 0:
		return hint.Misuse(errors.New("--all and IDs do not go together"))
	case ways > 0 && !o.all && len(ids) == 0:
		return hint.Misuse(errors.New(`say which, by ID, or --all: "apisixscope restore" shows them`))
	}
	return nil
}

func (o *restoreOptions) run(ctx context.Context, env Env, ids []string) error {
	if err := o.check(ids); err != nil {
		return err
	}
	saved, err := undos(env)
	if err != nil {
		return err
	}
	list, bad := saved.List()
	if len(ids) == 0 && !o.all {
		return errors.Join(o.list(env, saved, list), bad)
	}
	if len(ids) > 0 {
		bad = nil
		if list, err = load(saved, ids); err != nil {
			return err
		}
	}
	if len(list) == 0 && bad == nil {
		return tell(env.Err, "there is nothing to undo")
	}
	if len(list) == 1 && bad == nil {
		return o.one(ctx, env, saved, list[0])
	}
	return o.each(ctx, env, saved, list, bad)
}

// each undoes one change after the other, and tells what is wrong with each.
func (o *restoreOptions) each(ctx context.Context, env Env, saved *apisix.Undos, list []*apisix.Undo, bad error) error {
	hint.Print(env.Err, "apisixscope", bad)
	for _, u := range list {
		err := o.one(ctx, env, saved, u)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			hint.Print(env.Err, "apisixscope", err)
			bad = ErrTold
		}
	}
	if bad != nil {
		return ErrTold
	}
	return nil
}

func load(saved *apisix.Undos, ids []string) ([]*apisix.Undo, error) {
	var list []*apisix.Undo
	for _, id := range ids {
		u, err := saved.Load(id)
		if errors.Is(err, apisix.ErrNotFound) {
			return nil, hint.Wrap(err, `"apisixscope restore" shows those that are there; each user has their own`)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, u)
	}
	return list, nil
}

// one undoes one change, unless its process is going to.
func (o *restoreOptions) one(ctx context.Context, env Env, saved *apisix.Undos, u *apisix.Undo) error {
	lock, err := saved.Lock(u)
	if errors.Is(err, apisix.ErrBusy) {
		return hint.Wrap(fmt.Errorf("undo %s: %w", u.ID, err), "it undoes its own change at its end, and at once with kill -INT")
	}
	if err != nil {
		return err
	}
	defer lock.Release()
	// Whoever had the lock may have undone it, or have learnt the revision.
	id := u.ID
	if u, err = saved.Load(id); errors.Is(err, apisix.ErrNotFound) {
		return tell(env.Err, "undo %s: its process has undone it meanwhile", id)
	}
	if err != nil {
		return err
	}
	if o.forget {
		if err := saved.Remove(u); err != nil {
			return err
		}
		return tell(env.Err, "%s: the undo %s of %s is removed, and nothing was changed", u.Resource(), u.ID, u.Plugin)
	}
	if err := o.newer(saved, u); err != nil {
		return err
	}
	c, err := o.client(ctx, env, u)
	if err != nil {
		return err
	}
	defer c.Close()
	if c.URL() != u.Admin {
		if err := tell(env.Err, "note: the change was made through %s, and is undone through %s", u.Admin, c.URL()); err != nil {
			return err
		}
	}
	done, err := c.Undo(ctx, u, o.reach())
	if err != nil {
		return o.failed(u, err)
	}
	words, err := settled(saved, u, done)
	return errors.Join(err, tell(env.Err, "%s", words))
}

func (o *restoreOptions) reach() apisix.Reach {
	switch {
	case o.onlyPlugin:
		return apisix.OnlyPlugin
	case o.force:
		return apisix.Force
	}
	return apisix.Unchanged
}

// client is one for the Admin API of the change, if the user names no other.
func (o *restoreOptions) client(ctx context.Context, env Env, u *apisix.Undo) (*apisix.Client, error) {
	a := *o.access
	if a.url == "" && u.Named {
		a.url = u.Admin
	}
	return a.client(ctx, env)
}

// newer refuses to undo a change below a later one of the same resource.
func (o *restoreOptions) newer(saved *apisix.Undos, u *apisix.Undo) error {
	list, _ := saved.List() // what cannot be read is told by the list
	for _, v := range list {
		if v.Same(u) && v.ID != u.ID && v.Made.After(u.Made) && !o.onlyPlugin && !o.force {
			return hint.Wrap(fmt.Errorf("undo %s: %s has a later change, of %s", u.ID, u.Resource(), v.Plugin), "undo that first: apisixscope restore "+v.ID)
		}
	}
	return nil
}

// failed tells what to do about a change that is not undone.
func (o *restoreOptions) failed(u *apisix.Undo, err error) error {
	err = fmt.Errorf("undo %s: %w", u.ID, err)
	switch {
	case errors.Is(err, apisix.ErrChanged) && o.onlyPlugin:
		return hint.Wrap(err, fmt.Sprintf("put it right by hand and remove the undo: apisixscope restore %s --forget; or put the whole back and lose their change: apisixscope restore %[1]s --force", u.ID))
	case errors.Is(err, apisix.ErrChanged):
		return hint.Wrap(err, changedRemedy(u.ID))
	}
	return err
}

// settled removes an undo that is done with, and says what came of it.
func settled(saved *apisix.Undos, u *apisix.Undo, done apisix.Undone) (string, error) {
	err := errors.Join(saved.Rebase(u, done.Index), saved.Remove(u))
	switch {
	case done.Never:
		return fmt.Sprintf("%s: the change of %s was never made; the undo is removed", u.Resource(), u.Plugin), err
	case done.Before:
		return fmt.Sprintf("%s: %s is as it was before already; the undo is removed", u.Resource(), u.Plugin), err
	}
	return fmt.Sprintf("%s: %s is as it was before", u.Resource(), u.Plugin), err
}
