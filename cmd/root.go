// Package cmd is the command line: a file for each command, and wiring only.
//
//	main -> Execute -> options -> Env.Find -> Env.OpenTrace -> trace.Pipeline -> a renderer
//
// Each command has options, a constructor, addFlags and run. Data goes to Env.Out, talk to
// Env.Err; errors are returned to main, which alone has them printed and exits.
package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/apisixscope/apisixscope/internal/hint"
)

// ErrTold is the error of a command that has told the reason itself.
var ErrTold = errors.New("not ready")

// ErrFailed is the error of a check that did not hold, which the command has told.
var ErrFailed = errors.New("an assertion failed")

// Execute runs the command that args name. The end of ctx is a good end.
func Execute(ctx context.Context, env Env, args []string) error {
	ran := false
	root := newRootCmd(env, &ran)
	root.SetArgs(args)
	c, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil, ran && ctx.Err() != nil && errors.Is(err, context.Canceled):
		return nil
	case ran:
		return err
	}
	// No command has run yet: the command line is wrong.
	return hint.Misuse(hint.Wrap(err, remedy(c, args)))
}

// Report writes why Execute returned err, unless that was told, and returns the exit code:
// 0 for done or interrupted, 1 for an error, 2 for misuse, 3 for a check that did not hold.
func Report(w io.Writer, err error) int {
	if !errors.Is(err, ErrTold) && !errors.Is(err, ErrFailed) {
		hint.Print(w, "apisixscope", err)
	}
	switch {
	case hint.IsMisuse(err):
		return 2
	case errors.Is(err, ErrFailed):
		return 3
	case err != nil:
		return 1
	}
	return 0
}

func newRootCmd(env Env, ran *bool) *cobra.Command {
	var level slog.LevelVar
	level.Set(slog.LevelError + 1) // nothing is logged
	env.Log = slog.New(slog.NewTextHandler(env.Err, &slog.HandlerOptions{Level: &level}))

	var verbose bool
	root := &cobra.Command{
		Use:   "apisixscope",
		Short: "See what a live Apache APISIX gateway does",
		Long: `apisixscope shows what a live Apache APISIX gateway does, with eBPF: nothing is
installed into APISIX, nothing is reloaded, and nothing stays behind.`,
		Example: `  apisixscope doctor                    # will it work here?
  apisixscope trace --status 5xx        # who makes the errors, and why
  apisixscope logs --header all         # each request as it ends, with headers
  apisixscope profile                   # what do the workers use the CPU for?
  apisixscope demo                      # try it without an APISIX`,
		Version:            env.Version,
		SilenceErrors:      true,
		SilenceUsage:       true,
		DisableSuggestions: true, // remedy makes them
		PersistentPreRun: func(*cobra.Command, []string) {
			*ran = true
			if verbose {
				level.Set(slog.LevelDebug)
			}
		},
	}
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err) })
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages ", ".FlagUsagesWrapped 80 "))
	root.PersistentFlags().BoolVarP(&verbose, "verbose", "v", false, "tell on stderr what is done, and how long it takes")
	root.PersistentFlags().SortFlags = false

	root.AddCommand(newTopCmd(env), newOpenCmd(env), newTraceCmd(env), newLogsCmd(env), newProfileCmd(env), newRecordCmd(env), newReportCmd(env), newCheckCmd(env), newAdminCmd(env), newRestoreCmd(env), newDoctorCmd(env), newDemoCmd(env))
	root.SetHelpCommand(newHelpCmd(root))
	completeAll(root, env)
	return root
}

// newHelpCmd is cobra's, but for words that are no command: cobra finds them no error.
func newHelpCmd(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Tell about a command",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return hint.Misuse(hint.Wrap(fmt.Errorf("unknown command %q", strings.Join(args, " ")), remedy(root, args)))
			}
			return c.Help()
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, c := range root.Commands() {
				names = append(names, c.Name())
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// flagError names the flag whose value is wrong, before what is wrong with it.
func flagError(err error) error {
	if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return fmt.Errorf("--%s %w", bad.GetFlag().Name, bad.Unwrap())
	}
	return err
}

// remedy tells what to write instead of a command line that is wrong.
func remedy(c *cobra.Command, args []string) string {
	help := fmt.Sprintf("see %q", c.CommandPath()+" --help")
	if c.HasParent() || len(args) == 0 {
		return help
	}
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		return "did you mean " + strings.Join(near, " or ") + "?"
	}
	return help
}
