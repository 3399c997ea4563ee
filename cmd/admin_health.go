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
)

// adminHealthOptions is what a user may ask of admin health.
type adminHealthOptions struct {
	access  *access
	control string
	format  string
}

func newAdminHealthCmd(env Env, a *access) *cobra.Command {
	o := &adminHealthOptions{access: a, format: "table"}
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Show what the health checks think of each node",
		Long: `Health shows what the gateway's health checks think of upstreams' nodes, as one
of its workers has it: each worker checks for itself. It asks the Control API,
which has no key. An upstream is checked once a request needed it.`,
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
	f.StringVarP(&o.format, "output", "o", o.format, "as `FORMAT` table or json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(healthFormats(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func healthFormats() []string { return []string{"json", "table"} }

func (o *adminHealthOptions) run(ctx context.Context, env Env) error {
	if o.format != "table" && o.format != "json" {
		return render.UnknownFormat(o.format, healthFormats())
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
	if len(all) == 0 {
		return tell(env.Err, "no upstream of this gateway has health checks that run")
	}
	if o.format == "json" {
		return writeHealth(env, all)
	}
	var rows [][]string
	for _, k := range all {
		of := string(k.Kind) + "/" + k.ID
		if len(k.Nodes) == 0 {
			rows = append(rows, []string{of, k.Type, "", "not checked yet", "", "", "", ""})
		}
		for _, n := range k.Nodes {
			rows = append(rows, []string{
				of, k.Type, nodeAddress(&n), n.Status,
				strconv.Itoa(n.Successes), strconv.Itoa(n.HTTPFailures), strconv.Itoa(n.TCPFailures), strconv.Itoa(n.Timeouts),
			})
		}
	}
	columns := []render.Column{
		{Title: "UPSTREAM OF"}, {Title: "CHECK"}, {Title: "NODE"}, {Title: "STATUS"},
		{Title: "SUCCESS", Number: true}, {Title: "HTTP FAIL", Number: true}, {Title: "TCP FAIL", Number: true}, {Title: "TIMEOUT", Number: true},
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
	Kind         apisix.Kind `json:"kind"`
	ID           string      `json:"id"`
	Check        string      `json:"check,omitempty"`
	Host         string      `json:"host,omitempty"`
	Address      string      `json:"network.peer.address,omitempty"`
	Port         int         `json:"network.peer.port,omitempty"`
	Status       string      `json:"status,omitempty"`
	Successes    int         `json:"successes"`
	HTTPFailures int         `json:"http_failures"`
	TCPFailures  int         `json:"tcp_failures"`
	Timeouts     int         `json:"timeouts"`
}

func writeHealth(env Env, all []apisix.Checker) error {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	for _, k := range all {
		nodes := k.Nodes
		if len(nodes) == 0 {
			nodes = []apisix.NodeHealth{{}} // a line without a node: it is not checked yet
		}
		for _, n := range nodes {
			err := e.Encode(healthLine{k.Kind, k.ID, k.Type, n.Host, n.IP, n.Port, n.Status, n.Successes, n.HTTPFailures, n.TCPFailures, n.Timeouts})
			if err != nil {
				return fmt.Errorf("show health of %s %s: %w", k.Kind, k.ID, err)
			}
		}
	}
	if _, err := env.Out.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
