package cmd

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/render"
)

// doctorOptions is what a user may ask of doctor.
type doctorOptions struct {
	query  gateway.Query
	format string
}

func newDoctorCmd(env Env) *cobra.Command {
	o := &doctorOptions{format: "text"}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Tell what will work on this host",
		Long: `Doctor tells what this host offers, which gateways run on it, and what will
therefore work. It tries what the kernel can do, and leaves nothing behind.

The exit code is 0 if a gateway can be traced, and 1 if not.`,
		Example: `  apisixscope doctor
  apisixscope doctor -o json | jq .ready`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), env)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.Var(number[int]{&o.query.PID, 1}, "pid", "look at the gateway of this master or worker alone")
	f.StringVarP(&o.format, "output", "o", o.format, "as `FORMAT` text or json")
	// It fails for flags that do not exist or have words already.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(doctorFormats(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func doctorFormats() []string { return []string{"json", "text"} }

func (o *doctorOptions) run(ctx context.Context, env Env) error {
	if o.format != "text" && o.format != "json" {
		return render.UnknownFormat(o.format, doctorFormats())
	}
	r := diagnosis{Version: env.Version, Host: hostReports(env.Host()), Gateways: []gatewayReport{}, Works: []work{}}
	targets, err := o.targets(ctx, env)
	if hint.IsMisuse(err) || ctx.Err() != nil {
		return err
	}
	// What the process may not do is the reason for whatever else is missing.
	if err = cmp.Or(env.Ready(), err); err != nil {
		r.Reason, r.Remedy = err.Error(), hint.Of(err)
	}
	for _, t := range targets {
		g := gatewayReportOf(t)
		g.Stacks = hostReports(env.Stacks(t))
		r.Gateways = append(r.Gateways, g)
	}
	r.conclude()
	if o.format == "json" {
		err = json.NewEncoder(env.Out).Encode(r)
	} else {
		err = r.print(newSheet(env))
	}
	if err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	if !r.Ready {
		return ErrTold
	}
	return nil
}

// targets returns the gateways to look at; an error says why there is none.
func (o *doctorOptions) targets(ctx context.Context, env Env) ([]*gateway.Target, error) {
	if o.query.PID == 0 {
		all, err := env.List(ctx)
		if err != nil || len(all) > 0 {
			return all, err
		}
	}
	t, err := env.find(ctx, o.query) // it says why there is none
	if err != nil {
		return nil, err
	}
	return []*gateway.Target{t}, nil
}

// diagnosis is what doctor found. Its JSON form is described in docs/doctor.md.
type diagnosis struct {
	Version  string          `json:"version"`
	Ready    bool            `json:"ready"`
	Reason   string          `json:"reason,omitempty"` // why not
	Remedy   string          `json:"hint,omitempty"`
	Host     []hostReport    `json:"host"`
	Gateways []gatewayReport `json:"gateways"`
	Works    []work          `json:"works"`
}

// hostReport is a bpf.Finding, of the host or of a gateway.
type hostReport struct {
	Name  string    `json:"name"`
	Level bpf.Level `json:"level"`
	Value string    `json:"value"`
	Then  string    `json:"then,omitempty"`
}

// work is something that one can do, or cannot.
type work struct {
	Command string `json:"command"`
	With    string `json:"with"` // what it stands on
	PID     int    `json:"pid,omitempty"`
	Works   bool   `json:"works"`
	Reason  string `json:"reason,omitempty"` // why not
}

func hostReports(findings []bpf.Finding) []hostReport {
	var out []hostReport
	for _, f := range findings {
		out = append(out, hostReport(f))
	}
	return out
}

// gatewayReport is what of a gateway.Target is of interest here.
type gatewayReport struct {
	PID       int          `json:"pid"` // of the master, or of the first worker where it has exited
	Version   string       `json:"version"`
	Path      string       `json:"path"`
	Deleted   bool         `json:"deleted"` // the file is gone or was replaced
	Master    int          `json:"master,omitempty"`
	Workers   []int        `json:"workers"`
	Container bool         `json:"container"`
	NetNS     uint64       `json:"net_namespace,omitempty"`
	Layout    string       `json:"layout"`
	Known     bool         `json:"layout_known"`
	Missing   []string     `json:"missing_symbols"`
	Lua       string       `json:"lua,omitempty"`
	Stacks    []hostReport `json:"stacks"` // how well samples can tell them
	where     string       // its Summary, for people
}

func gatewayReportOf(t *gateway.Target) gatewayReport {
	g := gatewayReport{
		PID: t.Master.PID, Version: t.Version.String(), Path: t.Path, Deleted: t.Deleted,
		Master: t.Master.PID, Workers: append([]int{}, t.Workers()...), Container: t.Container, NetNS: t.NetNS,
		Layout: t.LayoutSource.String(), Known: t.LayoutSource.Known(),
		Missing: append([]string{}, bpf.ProbesMissing(t)...), where: t.Summary(),
	}
	if g.PID == 0 && len(t.Children) > 0 {
		g.PID = t.Children[0].PID
	}
	if t.Lua != nil {
		g.Lua = t.Lua.Name
	}
	return g
}

// conclude derives what will work.
func (r *diagnosis) conclude() {
	var broken, noProbes []string
	for _, f := range r.Host {
		switch {
		case f.Level == bpf.Fail:
			broken = append(broken, f.Name+": "+f.Value)
		case f.Level == bpf.Warn && f.Name == "uprobes":
			noProbes = append(noProbes, f.Name+": "+f.Value)
		}
	}
	for _, g := range r.Gateways {
		sockets := work{Command: "trace", With: "sockets", PID: g.PID, Reason: strings.Join(broken, "; ")}
		why := append(append([]string{}, broken...), noProbes...)
		if !g.Known {
			why = append(why, "layout: "+g.Layout)
		}
		if len(g.Missing) > 0 {
			why = append(why, "not exported: "+strings.Join(g.Missing, ", "))
		}
		probes := work{Command: "trace", With: "probes and sockets", PID: g.PID, Reason: strings.Join(why, "; ")}
		probes.Works, sockets.Works = probes.Reason == "", sockets.Reason == ""
		r.Works = append(r.Works, probes, sockets)
		r.Works = append(r.Works, r.samples(&g, broken, why)...)
		r.Ready = r.Ready || sockets.Works
	}
	if r.Reason == "" && !r.Ready {
		r.Reason = strings.Join(broken, "; ")
	}
}
