package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/hint"
)

// adminPluginChangeOptions is what a user may ask of admin plugin enable, and of disable.
type adminPluginChangeOptions struct {
	access *access
	target pluginTarget
	change apisix.Change
	config string
	window time.Duration // 0 for a change that stays
	retry  time.Duration
}

func newAdminPluginEnableCmd(env Env, a *access) *cobra.Command {
	o := &adminPluginChangeOptions{access: a, change: apisix.Enable, retry: time.Minute}
	cmd := &cobra.Command{
		Use:   "enable NAME",
		Short: "Let a plugin run, for a while or until it is undone",
		Long: `Enable lets a plugin run on a resource: with the configuration of --config in
place of the one that it has, and without --config, with the one that it has,
or an empty one.

` + undoWords,
		Example: `  apisixscope admin plugin enable cors --route 1 --config @cors.json --for 60s
  apisixscope admin plugin enable prometheus --service shop
  apisixscope restore                    # the undos that are saved`,
	}
	o.build(env, cmd)
	return cmd
}

func newAdminPluginDisableCmd(env Env, a *access) *cobra.Command {
	o := &adminPluginChangeOptions{access: a, change: apisix.Disable, retry: time.Minute}
	cmd := &cobra.Command{
		Use:   "disable NAME",
		Short: "Switch a plugin off, for a while or until it is undone",
		Long: `Disable switches a plugin off where it is configured, and keeps its
configuration: with _meta.disable, or in APISIX 2.x with disable.

` + undoWords,
		Example: `  apisixscope admin plugin disable key-auth --route 1 --for 5m
  apisixscope admin plugin disable prometheus --global-rule 1`,
	}
	o.build(env, cmd)
	return cmd
}

const undoWords = `What takes the change back is saved first. With --for, it is taken back after
that time, or by Ctrl-C; without, by "apisixscope restore". If somebody else has
changed the resource meanwhile, it is left as it is, and what to do is said.`

func (o *adminPluginChangeOptions) build(env Env, cmd *cobra.Command) {
	cmd.Args = pluginArgs
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.target.plugin = args[0]
		return o.run(cmd.Context(), env, cmd.Flags())
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.target.addFlags(f)
	if o.change == apisix.Enable {
		f.StringVar(&o.config, "config", "", "the plugin's configuration: `JSON`, or @FILE; @- is stdin")
	}
	f.Var(period{&o.window}, "for", "take it back after this time; 0 leaves it to restore")
	f.Var(period{&o.retry}, "retry", "try for this time to take it back, if the Admin API does not answer")
}

func (o *adminPluginChangeOptions) run(ctx context.Context, env Env, f *pflag.FlagSet) error {
	kind, id, err := o.target.resource()
	if err != nil {
		return err
	}
	var conf []byte
	if f.Changed("config") {
		if conf, err = readPluginConfig(o.config); err != nil {
			return err
		}
	}
	saved, err := undos(env)
	if err != nil {
		return err
	}
	c, err := o.access.client(ctx, env)
	if err != nil {
		return err
	}
	defer c.Close()
	lock, err := saved.Lock(&apisix.Undo{Admin: c.URL(), Kind: kind, Object: id})
	if err != nil {
		return unsaved(err)
	}
	defer lock.Release()
	u, err := o.plan(ctx, env, c, conf)
	if err != nil || u == nil {
		return err
	}
	noteOlder(env, saved, u)
	w := &pluginWindow{env: env, client: c, undos: saved, undo: u, window: o.window, retry: o.retry}
	return w.run(ctx)
}

// unsaved tells what to do if there is no undo: then there is no change.
func unsaved(err error) error {
	switch {
	case errors.Is(err, apisix.ErrBusy):
		return hint.Wrap(err, `wait for it, or let it undo its change at once with kill -INT; "apisixscope restore" shows what it does`)
	case hint.Of(err) != "":
		return err
	}
	return hint.Wrap(err, "nothing was changed; undos are saved below XDG_STATE_HOME: set it to a directory of your own")
}

// plan is the change, and its undo; nil if there is nothing to do.
func (o *adminPluginChangeOptions) plan(ctx context.Context, env Env, c *apisix.Client, conf []byte) (*apisix.Undo, error) {
	h, err := o.target.holder(ctx, c)
	if err != nil {
		return nil, err
	}
	name := o.target.plugin
	state := h.Plugin(name)
	switch {
	case o.change == apisix.Disable && state == apisix.PluginAbsent:
		return nil, hint.Wrap(fmt.Errorf("%s has no plugin %s", h.String(), name), "if it runs there, it is of the service, the plugin config, the consumer or a global rule: disable it there")
	case o.change == apisix.Disable && state == apisix.PluginOff, o.change == apisix.Enable && state == apisix.PluginOn && conf == nil:
		return nil, tell(env.Err, "%s: %s is %s already", h.String(), name, state)
	}
	u := c.NewUndo(&h, name, o.change, conf)
	if u.Nothing() {
		return nil, tell(env.Err, "%s: %s has that configuration already", h.String(), name)
	}
	u.PID, u.Named = os.Getpid(), o.access.url != ""
	if o.window > 0 {
		u.Until = u.Made.Add(o.window)
	}
	return u, nil
}

// noteOlder tells of changes of the same resource that are not undone yet.
func noteOlder(env Env, saved *apisix.Undos, u *apisix.Undo) {
	list, _ := saved.List() // what cannot be read is told by restore
	for _, older := range list {
		if older.Same(u) {
			_ = tell(env.Err, "note: %s has an earlier change that is not undone, of %s: restore %s after this one", u.Resource(), older.Plugin, older.ID)
			return
		}
	}
}

// maxConfig is what APISIX takes for a request's body.
const maxConfig = 1536 << 10

// readPluginConfig reads the word of --config, which is not repeated: it may hold a secret.
func readPluginConfig(word string) ([]byte, error) {
	data, of := []byte(word), "--config"
	if file, found := strings.CutPrefix(word, "@"); found {
		in := os.Stdin
		if file != "-" {
			f, err := os.Open(file)
			if err != nil {
				return nil, fmt.Errorf("read --config %s: %w", word, cause(err))
			}
			defer f.Close()
			in = f
		}
		var err error
		if data, err = io.ReadAll(io.LimitReader(in, maxConfig+1)); err != nil {
			return nil, fmt.Errorf("read --config %s: %w", word, cause(err))
		}
		of += " " + word
	}
	var object map[string]json.RawMessage
	switch err := json.Unmarshal(data, &object); {
	case len(data) > maxConfig:
		return nil, hint.Misuse(fmt.Errorf("%s is longer than the 1.5 MiB that APISIX takes", of))
	case err != nil || object == nil:
		return nil, hint.Misuse(hint.Wrap(fmt.Errorf("%s is not a JSON object", of), `write --config '{"count":2,"time_window":60}', or --config @FILE`))
	}
	return data, nil
}
