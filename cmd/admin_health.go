package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/text"
)

// adminHealthOptions is what a user may ask of admin health.
type adminHealthOptions struct {
	access  *access
	control string
	format  string
	forget  bool
}

func newAdminHealthCmd(env Env, a *access) *cobra.Command {
	o := &adminHealthOptions{access: a, format: "table"}
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Show what the health checks think of each node",
		Long: `Health shows what the gateway's health checks think of upstreams' nodes, as one
of its workers has it: each worker checks for itself. It asks the Control API,
which has no key. An upstream is checked once a request needed it.

Beside it stands what the last window of this gateway saw of each node. The
commands trace and logs leave that behind in a file, and --forget removes it.`,
		Example: `  apisixscope admin health
  apisixscope admin health --control http://127.0.0.1:9090 -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), env)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.control, "control", "", controlUsage)
	f.BoolVar(&o.forget, "forget", false, "remove what the last window left behind, and ask nothing")
	f.StringVarP(&o.format, "output", "o", o.format, "as `FORMAT` table or json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(healthFormats(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func healthFormats() []string { return []string{"json", "table"} }

func (o *adminHealthOptions) run(ctx context.Context, env Env) error {
	if o.format != "table" && o.format != "json" {
		return render.UnknownFormat(o.format, healthFormats())
	}
	if o.forget {
		return o.forgetWindow(ctx, env)
	}
	c, err := o.access.control(ctx, env, o.control)
	if err != nil {
		return err
	}
	defer c.Close()
	all, err := c.Health(ctx)
	if err != nil {
		return err
	}
	w, err := o.lastWindow(ctx, env)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		if err := tell(env.Err, "no upstream of this gateway has health checks that run"); err != nil || w == nil {
			return err
		}
	}
	if o.format == "json" {
		return writeHealth(env, all, w)
	}
	if w != nil {
		if err := tell(env.Err, "the last window, %s of %s, ended %s ago: it saw %d requests", w.Command, text.Duration(w.Length), age(w.Ended), w.Requests); err != nil {
			return err
		}
	}
	return healthTable(env, all, w)
}

func healthTable(env Env, all []apisix.Checker, w *seenNodes) error {
	var rows [][]string
	for _, k := range all {
		of := string(k.Kind) + "/" + k.ID
		if len(k.Nodes) == 0 {
			rows = append(rows, []string{of, k.Type, "", "not checked yet", "", "", "", "", "", "", "", "", ""})
		}
		for _, n := range k.Nodes {
			rows = append(rows, append([]string{
				of, k.Type, nodeAddress(&n), n.Status,
				strconv.Itoa(n.Successes), strconv.Itoa(n.HTTPFailures), strconv.Itoa(n.TCPFailures), strconv.Itoa(n.Timeouts),
			}, seenCells(w.of(&n))...))
		}
	}
	for _, n := range w.unchecked() {
		rows = append(rows, append([]string{"", "", n.Address.String(), "not checked", "", "", "", ""}, seenCells(n)...))
	}
	columns := []render.Column{
		{Title: "UPSTREAM OF"}, {Title: "CHECK"}, {Title: "NODE"}, {Title: "STATUS"},
		{Title: "SUCCESS", Number: true}, {Title: "HTTP FAIL", Number: true}, {Title: "TCP FAIL", Number: true}, {Title: "TIMEOUT", Number: true},
	}
	if w == nil {
		for i := range rows {
			rows[i] = rows[i][:len(columns)]
		}
	} else {
		columns = append(columns, seenColumns()...)
	}
	return render.Cells(env.Out, columns, rows, tableOptions(env, false))
}

// nodeAddress is where a node is, with its name where that is another one.
func nodeAddress(n *apisix.NodeHealth) string {
	port := strconv.Itoa(n.Port)
	switch {
	case n.IP == "":
		return net.JoinHostPort(n.Host, port)
	case n.Host == "" || n.Host == n.IP:
		return net.JoinHostPort(n.IP, port)
	}
	return net.JoinHostPort(n.IP, port) + " (" + n.Host + ")"
}

// healthLine is a node in JSON; its form is described in docs/admin.md.
type healthLine struct {
	Kind         apisix.Kind `json:"kind,omitempty"`
	ID           string      `json:"id,omitempty"`
	Check        string      `json:"check,omitempty"`
	Host         string      `json:"host,omitempty"`
	Address      string      `json:"network.peer.address,omitempty"`
	Port         int         `json:"network.peer.port,omitempty"`
	Status       string      `json:"status,omitempty"`
	Successes    int         `json:"successes"`
	HTTPFailures int         `json:"http_failures"`
	TCPFailures  int         `json:"tcp_failures"`
	Timeouts     int         `json:"timeouts"`
	*seenLine
}

func writeHealth(env Env, all []apisix.Checker, w *seenNodes) error {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	for _, k := range all {
		nodes := k.Nodes
		if len(nodes) == 0 {
			nodes = []apisix.NodeHealth{{}} // a line without a node: it is not checked yet
		}
		for _, n := range nodes {
			err := e.Encode(healthLine{k.Kind, k.ID, k.Type, n.Host, n.IP, n.Port, n.Status, n.Successes, n.HTTPFailures, n.TCPFailures, n.Timeouts, w.line(w.of(&n))})
			if err != nil {
				return fmt.Errorf("show health of %s %s: %w", k.Kind, k.ID, err)
			}
		}
	}
	for _, n := range w.unchecked() {
		err := e.Encode(healthLine{Address: n.Address.Addr().String(), Port: int(n.Address.Port()), Status: "not_checked", seenLine: w.line(n)})
		if err != nil {
			return fmt.Errorf("show node %s: %w", n.Address, err)
		}
	}
	if _, err := env.Out.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
