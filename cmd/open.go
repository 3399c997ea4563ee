package cmd

import (
	"context"
	"fmt"
	"path/filepath"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/spf13/cobra"

	"github.com/apisixscope/apisixscope/internal/replay"
	"github.com/apisixscope/apisixscope/trace"
	"github.com/apisixscope/apisixscope/tui"
)

// openOptions is what a user may ask of open.
type openOptions struct {
	filter  trace.Filter
	where   string
	secrets bool
}

func newOpenCmd(env Env) *cobra.Command {
	o := &openOptions{}
	cmd := &cobra.Command{
		Use:   "open FILE",
		Short: "Look at a recording as top shows a gateway",
		Long: `Open shows a recording with the pages of top. It needs neither root nor the
gateway. A file that is cut, because the disk was full or the program that wrote
it was killed, is shown up to the cut.`,
		Example: `  apisixscope open incident.apisixscope
  apisixscope open incident.apisixscope --status 5xx`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("name one recording to open: got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), env, args[0])
		},
	}
	cmd.Flags().SortFlags = false
	addFilterFlags(cmd.Flags(), &o.filter)
	addWhereFlag(cmd.Flags(), &o.where)
	cmd.Flags().BoolVar(&o.secrets, "show-secrets", false, "show credentials in queries, where the recording has them")
	completeTrace(cmd)
	return cmd
}

func (o *openOptions) run(ctx context.Context, env Env, file string) error {
	if err := needScreen(env, "trace -r or logs -r"); err != nil {
		return err
	}
	keep, err := newLogsKeeper(&o.filter, o.where)
	if err != nil {
		return err
	}
	r, err := replay.Open(file)
	if err != nil {
		return err
	}
	src, err := r.Source()
	if err != nil {
		return err
	}
	defer src.Close()
	defer spareCollector(false, topMemory)()
	s := newScreen(env)
	s.feed.Secrets = o.secrets
	options := tui.Options{
		Title:  filepath.Base(file) + "  " + r.Began.Format("2006-01-02 15:04:05") + "  " + r.Gateway,
		Window: tui.Window{Began: r.Began, Ends: r.Began.Add(r.Window)}, Export: exporter(env),
	}
	return s.show(ctx, options, func(ctx context.Context, send func(tea.Msg)) error {
		send(recordedProfile(r))
		send(recordedAdmin(ctx, file, r))
		_, err := trace.Pipeline{From: s.feed.Tap(src), Heads: &Heads{}, Keep: s.feed.Keep(keep.keep), To: s.feed}.Run(ctx)
		return err
	})
}

func recordedProfile(r *replay.Recording) tui.Profile {
	if r.Profile == nil {
		return tui.Profile{Status: "the recording has no profile"}
	}
	return tui.Profile{Profile: r.Profile, Summary: r.Samples}
}
