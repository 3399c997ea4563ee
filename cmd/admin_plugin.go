package cmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/hint"
)

func newAdminPluginCmd(env Env, a *access) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "Show a plugin, and switch it on and off with an undo",
		Long: `Plugin shows a plugin where it is configured, and enables or disables it there,
for a while or until it is undone. What takes the change back is saved first.`,
		Example: `  apisixscope admin plugin show limit-count --route 1
  apisixscope admin plugin enable cors --route 1 --config @cors.json --for 60s
  apisixscope admin plugin disable key-auth --route 1 --for 5m`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAdminPluginShowCmd(env, a), newAdminPluginEnableCmd(env, a), newAdminPluginDisableCmd(env, a))
	return cmd
}

// pluginTarget is a plugin on a resource.
type pluginTarget struct {
	plugin string
	ids    map[apisix.Kind]*string
}

func (t *pluginTarget) addFlags(f *pflag.FlagSet) {
	t.ids = map[apisix.Kind]*string{}
	for _, kind := range apisix.PluginKinds() {
		name := targetFlag(kind)
		t.ids[kind] = f.String(name, "", fmt.Sprintf("the plugin of the %s with this `ID`", strings.ReplaceAll(name, "-", " ")))
	}
}

// targetFlag is the flag for a resource of a kind.
func targetFlag(kind apisix.Kind) string { return strings.TrimSuffix(string(kind), "s") }

// resource is the one that the flags name.
func (t *pluginTarget) resource() (apisix.Kind, string, error) {
	var flags []string
	var kind apisix.Kind
	for _, k := range apisix.PluginKinds() {
		flags = append(flags, "--"+targetFlag(k))
		if *t.ids[k] == "" {
			continue
		}
		if kind != "" {
			return "", "", hint.Misuse(fmt.Errorf("--%s and --%s do not go together", targetFlag(kind), targetFlag(k)))
		}
		kind = k
	}
	if kind == "" {
		return "", "", hint.Misuse(fmt.Errorf("say whose plugin: one of %s", strings.Join(flags, ", ")))
	}
	return kind, *t.ids[kind], nil
}

func pluginArgs(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return errors.New("say which plugin, by its name")
	case len(args) > 1:
		return fmt.Errorf("one plugin at a time: got %q", args)
	case args[0] == "" || strings.ContainsAny(args[0], "/?#") || args[0] == "." || args[0] == "..":
		return fmt.Errorf("%q is no name of a plugin", args[0])
	}
	return nil
}

// holder asks for the resource that has the plugin.
func (t *pluginTarget) holder(ctx context.Context, c *apisix.Client) (apisix.Holder, error) {
	kind, id, err := t.resource()
	if err != nil {
		return apisix.Holder{}, err
	}
	return c.Holder(ctx, kind, id)
}

// undos are those of the user.
func undos(env Env) (*apisix.Undos, error) {
	dir, err := stateDir(env)
	if err != nil {
		return nil, err
	}
	return apisix.NewUndos(filepath.Join(dir, "undo")), nil
}
