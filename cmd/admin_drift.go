package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/render"
)

// adminDriftOptions is what a user may ask of admin drift.
type adminDriftOptions struct {
	access  *access
	control string
	wait    time.Duration
	format  string
}

func newAdminDriftCmd(env Env, a *access) *cobra.Command {
	o := &adminDriftOptions{access: a, wait: 2 * time.Second, format: "table"}
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "Show what has not arrived at the gateway",
		Long: `Drift compares the routes, services and upstreams of the Admin API with those
that one worker of the gateway holds, which its Control API tells. It shows what
the gateway does not have, has in an earlier revision, or still has. What
differs is looked at once more after --wait, and is shown if it did not move.

The exit code is 0 if all has arrived, and 1 if not.`,
		Example: `  apisixscope admin drift
  apisixscope admin drift --admin http://10.0.0.4:9180 -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), env)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.control, "control", "", controlUsage)
	f.Var(period{&o.wait}, "wait", "give a change this time to arrive")
	f.StringVarP(&o.format, "output", "o", o.format, "as `FORMAT` table or json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(healthFormats(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *adminDriftOptions) run(ctx context.Context, env Env) error {
	if o.format != "table" && o.format != "json" {
		return render.UnknownFormat(o.format, healthFormats())
	}
	admin, err := o.access.client(ctx, env)
	if err != nil {
		return err
	}
	defer admin.Close()
	control, err := o.access.control(ctx, env, o.control)
	if err != nil {
		return err
	}
	defer control.Close()
	drifts, compared, err := apisix.Compare(ctx, admin, control, o.wait)
	if err != nil {
		return err
	}
	if len(drifts) == 0 {
		return tell(env.Err, "the gateway has all %d routes, services and upstreams, and no others", compared)
	}
	if o.format == "json" {
		err = writeDrifts(env, drifts)
	} else {
		err = render.Cells(env.Out, driftColumns(), driftRows(drifts), tableOptions(env, false))
	}
	if err != nil {
		return err
	}
	return ErrTold
}

func driftColumns() []render.Column {
	return []render.Column{
		{Title: "RESOURCE"}, {Title: "NAME"}, {Title: "DRIFT"}, {Title: "ADMIN", Number: true}, {Title: "GATEWAY", Number: true}, {Title: "CHANGED"},
	}
}

func driftRows(drifts []apisix.Drift) [][]string {
	revision := func(n int64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	var rows [][]string
	for _, d := range drifts {
		changed := ""
		if d.Changed > 0 {
			changed = time.Unix(d.Changed, 0).UTC().Format(time.RFC3339)
		}
		rows = append(rows, []string{string(d.Kind) + "/" + d.ID, d.Name, driftWord(&d), revision(d.Admin), revision(d.AtGateway), changed})
	}
	return rows
}

// driftWord is what is wrong at the gateway.
func driftWord(d *apisix.Drift) string {
	switch {
	case d.AtGateway == 0:
		return "missing"
	case d.Admin == 0:
		return "deleted"
	}
	return "outdated"
}

// driftLine is a drift in JSON; its form is described in docs/admin.md.
type driftLine struct {
	Kind      apisix.Kind `json:"kind"`
	ID        string      `json:"id"`
	Name      string      `json:"name,omitempty"`
	Drift     string      `json:"drift"`
	Admin     int64       `json:"admin_revision,omitempty"`
	AtGateway int64       `json:"gateway_revision,omitempty"`
	Changed   int64       `json:"changed,omitempty"`
}

func writeDrifts(env Env, drifts []apisix.Drift) error {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	for _, d := range drifts {
		if err := e.Encode(driftLine{d.Kind, d.ID, d.Name, driftWord(&d), d.Admin, d.AtGateway, d.Changed}); err != nil {
			return fmt.Errorf("show drift of %s %s: %w", d.Kind, d.ID, err)
		}
	}
	if _, err := env.Out.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
