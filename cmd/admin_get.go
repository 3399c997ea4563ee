package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/render"
)

// adminGetOptions is what a user may ask of admin get.
type adminGetOptions struct {
	access  *access
	pick    selection
	format  string
	query   string // a gjson path
	secrets bool
}

func newAdminGetCmd(env Env, a *access) *cobra.Command {
	o := &adminGetOptions{access: a}
	cmd := &cobra.Command{
		Use:   "get KIND [ID]",
		Short: "Show resources of the Admin API",
		Long: `Get shows all resources of a kind, or the one with an id. The kinds are
` + kindLines() + `.

A secret's id is MANAGER/ID; a consumer's, a plugin's and plugin metadata's is
its name. "credentials NAME" shows those of a consumer, NAME/ID one of them.
Filters may be combined: each must agree.

Secrets are shown as ` + apisix.Hidden + `: members, headers and arguments whose names look like
one, private keys, and passwords in addresses.`,
		Example: `  apisixscope admin get routes --uri '^/shop'
  apisixscope admin get upstreams -o wide
  apisixscope admin get routes -q value.plugins.@keys
  apisixscope admin get consumers jack -o yaml
  apisixscope admin get credentials jack`,
		Args: adminGetArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), env, args)
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return kindNames(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	o.addFlags(cmd.Flags())
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(adminFormats(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *adminGetOptions) addFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	o.pick.addFlags(f)
	f.StringVarP(&o.format, "output", "o", "", "as `FORMAT` table, wide, json, yaml or name (default table)")
	f.StringVarP(&o.query, "query", "q", "", "show what is at the gjson `PATH` of each line of -o json")
	f.BoolVar(&o.secrets, "show-secrets", false, "show secrets, too")
}

func adminFormats() []string { return []string{"json", "name", "table", "wide", "yaml"} }

func kindNames() []string {
	var names []string
	for _, k := range apisix.Kinds() {
		names = append(names, string(k))
	}
	return names
}

// kindLines names all kinds, in lines of a help text.
func kindLines() string { return strings.Join(wrap(strings.Join(kindNames(), ", "), sheetWidth), "\n") }

func adminGetArgs(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return fmt.Errorf("say what to get: %s", strings.Join(kindNames(), ", "))
	case len(args) > 2:
		return fmt.Errorf("one id at most: got %q", args[1:])
	}
	kind, err := kindOf(args[0])
	if err == nil && kind == apisix.Credentials && len(args) < 2 {
		err = errors.New("say whose credentials: NAME, or NAME/ID for one of them")
	}
	return err
}

// kindOf finds the kind that a word means: in the singular, or as APISIX writes it, too.
func kindOf(word string) (apisix.Kind, error) {
	w := strings.ReplaceAll(word, "_", "-")
	for _, k := range append(apisix.Kinds(), apisix.Credentials) {
		if string(k) == w || string(k) == w+"s" {
			return k, nil
		}
	}
	return "", fmt.Errorf("unknown kind %q: choose one of %s", word, strings.Join(kindNames(), ", "))
}

func (o *adminGetOptions) run(ctx context.Context, env Env, args []string) error {
	kind, err := kindOf(args[0])
	if err != nil {
		return hint.Misuse(err)
	}
	if err := o.check(kind, len(args) == 2 && kind != apisix.Credentials); err != nil {
		return err
	}
	c, err := o.access.client(ctx, env)
	if err != nil {
		return err
	}
	defer c.Close()
	of := kind == apisix.Credentials && !strings.Contains(args[1], "/") // all of a consumer
	if len(args) == 2 && !of {
		r, err := c.Get(ctx, kind, args[1])
		if err != nil {
			return err
		}
		return o.show(env, kind, []apisix.Resource{r})
	}
	var all []apisix.Resource
	if of {
		all, err = c.Credentials(ctx, args[1])
	} else {
		all, err = c.List(ctx, kind)
	}
	if err != nil {
		return err
	}
	kept := slices.DeleteFunc(slices.Clone(all), func(r apisix.Resource) bool { return !o.pick.keep(&r) })
	switch {
	case len(all) == 0:
		return tell(env.Err, "there are no %s", kind)
	case len(kept) == 0:
		return tell(env.Err, "none of %d %s has what the filters ask for", len(all), kind)
	}
	return o.show(env, kind, kept)
}

func tell(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, "apisixscope: "+format+"\n", args...)
	return err
}

// check refuses what does not go together.
func (o *adminGetOptions) check(kind apisix.Kind, one bool) error {
	switch {
	case o.format != "" && !slices.Contains(adminFormats(), o.format):
		return render.UnknownFormat(o.format, adminFormats())
	case o.query != "" && o.format != "" && o.format != "json":
		return hint.Misuse(errors.New("-q takes from JSON: leave -o out"))
	case one && o.pick.any():
		return hint.Misuse(errors.New("an id and filters do not go together"))
	}
	return o.pick.check(kind)
}
