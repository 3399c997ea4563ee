package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/apisixscope/apisixscope/internal/check"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/render"
)

// checkOptions is what a user may ask of check.
type checkOptions struct {
	query    gateway.Query
	file     string
	duration time.Duration
	wait     time.Duration
	format   string
	write    string
	strict   bool
	schema   bool
	names    naming
}

func newCheckCmd(env Env) *cobra.Command {
	o := &checkOptions{format: "text"}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Assert on the gateway's behaviour, as in CI",
		Long: `Check sends the requests of a file through the gateway, watches what the gateway
does with them and with others, and says which of the file's assertions hold.

Requests are known again by the traceparent header that check gives them: each
must be seen in the gateway, exactly once. Without the rights to watch, check
judges what a client sees, and says which assertions it could not judge.

The exit code is 0 if all hold, 3 if one failed, 2 for a wrong file or command
line, and 1 if the checks could not be run, or were interrupted.`,
		Example: `  apisixscope check -f checks.yaml
  apisixscope check -f checks.yaml --for 1m -o junit -w report.xml
  apisixscope check -f checks.yaml -o github --strict
  apisixscope check --schema >checks.schema.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), env)
		},
	}
	o.addFlags(cmd.Flags())
	// It fails for flags that do not exist or have words already.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(check.Formats(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *checkOptions) addFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVarP(&o.file, "file", "f", "", "read the checks from `FILE`; - is stdin")
	f.Var(period{&o.duration}, "for", "send and observe for this time (default what the file says, or else 30s)")
	f.Var(period{&o.wait}, "wait", "for a gateway that is not up yet")
	f.StringVarP(&o.format, "output", "o", o.format, "as `FORMAT` text, json, junit or github")
	f.StringVarP(&o.write, "write", "w", "", "write to `FILE`, which appears at the end")
	f.BoolVar(&o.strict, "strict", false, "let what could not be judged count as failed")
	f.Var(number[int]{&o.query.PID, 1}, "pid", "of the gateway's master or any worker, if there are several gateways")
	o.names.addFlags(f)
	f.BoolVar(&o.schema, "schema", false, "print the JSON Schema of the file, and do nothing else")
}

func (o *checkOptions) run(ctx context.Context, env Env) error {
	if o.schema {
		_, err := io.WriteString(env.Out, check.Schema)
		return err
	}
	if !slices.Contains(check.Formats(), o.format) {
		return render.UnknownFormat(o.format, check.Formats())
	}
	plan, err := o.read()
	if err != nil {
		return err
	}
	if o.duration > 0 {
		plan.For = o.duration
	}
	out, err := openOutput(env, o.write)
	if err != nil {
		return err
	}
	defer out.discard()
	run, err := newCheckRun(env, o, plan)
	if err != nil {
		return err
	}
	end, err := run.run(ctx)
	if ctx.Err() != nil {
		end.Cut, err = errInterrupted.Error(), nil
	}
	if err != nil {
		return err
	}
	return o.tell(out, run.collector.Judge(end))
}

// errInterrupted is no good end: a pipeline must not go on.
var errInterrupted = errors.New("interrupted before all was judged")

// read reads the file. What is wrong with it is misuse.
func (o *checkOptions) read() (*check.Plan, error) {
	var data []byte
	var err error
	name := o.file
	switch name {
	case "":
		return nil, hint.Wrap(hint.Misuse(errors.New("no checks: --file is missing")), "write them as docs/check.md shows, and name the file with -f")
	case "-":
		name = "stdin"
		data, err = io.ReadAll(io.LimitReader(os.Stdin, 2<<20))
	default:
		data, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, hint.Misuse(fmt.Errorf("read checks: %w", err))
	}
	plan, err := check.Read(name, data, os.LookupEnv)
	return plan, hint.Wrap(hint.Misuse(err), "docs/check.md tells what a file may have; --schema prints it for an editor")
}

// tell writes the report, and returns what the exit code says.
func (o *checkOptions) tell(out *output, r *check.Report) error {
	if err := check.Write(out, o.format, r); err != nil && !out.unread(err) {
		return err
	}
	if err := out.commit(); err != nil {
		return err
	}
	switch {
	case r.Cut != "":
		return errors.New(r.Cut)
	case r.Count(check.Failed) > 0, o.strict && r.Count(check.Unjudged) > 0:
		return ErrFailed
	case r.Count(check.Held) == 0:
		return hint.Wrap(errors.New("nothing could be judged"), strings.TrimSpace("run as root: "+r.Blind))
	}
	return nil
}
