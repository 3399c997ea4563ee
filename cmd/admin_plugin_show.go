package cmd

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/text"
)

// adminPluginShowOptions is what a user may ask of admin plugin show.
type adminPluginShowOptions struct {
	access  *access
	target  pluginTarget
	schema  bool
	secrets bool
	format  string
}

func newAdminPluginShowCmd(env Env, a *access) *cobra.Command {
	o := &adminPluginShowOptions{access: a, format: "text"}
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Show a plugin of a route or another resource",
		Long: `Show shows a plugin's configuration on a resource, and whether it is on there.
What a route gets from its service, its plugin config or a global rule is not
the route's: "apisixscope admin match" tells all plugins of a request.

Secrets are shown as ` + apisix.Hidden + `.`,
		Example: `  apisixscope admin plugin show limit-count --route 1
  apisixscope admin plugin show key-auth --consumer jack -o json
  apisixscope admin plugin show limit-count --route 1 --schema -o yaml`,
		Args: pluginArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.target.plugin = args[0]
			return o.run(cmd.Context(), env)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.target.addFlags(f)
	f.BoolVar(&o.schema, "schema", false, "show the JSON schema of its configuration, too")
	f.BoolVar(&o.secrets, "show-secrets", false, "show secrets, too")
	f.StringVarP(&o.format, "output", "o", o.format, "as `FORMAT` text, json or yaml")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(pluginFormats(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func pluginFormats() []string { return []string{"json", "text", "yaml"} }

// pluginReport is a plugin on a resource; its form is described in docs/admin-plugin.md.
type pluginReport struct {
	kind           apisix.Kind
	id, name       string
	plugin         string
	state          apisix.PluginState
	config, schema []byte // JSON; nil for none
}

func (o *adminPluginShowOptions) run(ctx context.Context, env Env) error {
	if o.format != "text" && o.format != "json" && o.format != "yaml" {
		return render.UnknownFormat(o.format, pluginFormats())
	}
	if _, _, err := o.target.resource(); err != nil {
		return err
	}
	c, err := o.access.client(ctx, env)
	if err != nil {
		return err
	}
	defer c.Close()
	h, err := o.target.holder(ctx, c)
	if err != nil {
		return err
	}
	r := pluginReport{
		kind: h.Kind, id: h.ID, name: h.Name(), plugin: o.target.plugin,
		state: h.Plugin(o.target.plugin), config: h.PluginJSON(o.target.plugin, o.secrets),
	}
	if o.schema {
		if r.schema, err = c.Schema(ctx, o.target.plugin, h.Kind); err != nil {
			return err
		}
	}
	return o.show(env, &r, h.String())
}

func (o *adminPluginShowOptions) show(env Env, r *pluginReport, of string) error {
	if o.format == "text" {
		s := newSheet(env)
		if r.name != "" && r.name != r.id {
			of += " (" + r.name + ")"
		}
		s.line("%s of %s is %s", text.Clean(r.plugin), text.Clean(of), r.state)
		for _, part := range []struct {
			name string
			json []byte
		}{{"config", r.config}, {"schema", r.schema}} {
			if part.json == nil {
				continue
			}
			doc, err := apisix.YAML(part.json)
			if err != nil {
				return fmt.Errorf("show %s: %w", part.name, err)
			}
			s.line("%s:", part.name)
			s.line("  %s", strings.ReplaceAll(strings.TrimRight(string(doc), "\n"), "\n", "\n  "))
		}
		return s.err
	}
	data := r.json()
	if o.format == "yaml" {
		var err error
		if data, err = apisix.YAML(data); err != nil {
			return fmt.Errorf("show %s: %w", r.plugin, err)
		}
	}
	if _, err := env.Out.Write(data); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// json is the report as one line.
func (r *pluginReport) json() []byte {
	b := text.AppendJSON([]byte(`{"kind":`), string(r.kind))
	b = text.AppendJSON(append(b, `,"id":`...), r.id)
	if r.name != "" {
		b = text.AppendJSON(append(b, `,"name":`...), r.name)
	}
	b = text.AppendJSON(append(b, `,"plugin":`...), r.plugin)
	b = text.AppendJSON(append(b, `,"state":`...), string(r.state))
	if r.config != nil {
		b = append(append(b, `,"config":`...), r.config...)
	}
	if r.schema != nil {
		b = append(append(b, `,"schema":`...), r.schema...)
	}
	return append(b, "}\n"...)
}
