package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/replay"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// reportOptions is what a user may ask of report.
type reportOptions struct {
	read    string
	file    string
	filter  trace.Filter
	where   string
	given   []string // the filters, in words
	secrets bool
}

func newReportCmd(env Env) *cobra.Command {
	o := &reportOptions{}
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Make a page of a recording, for those who were not there",
		Long: `Report makes one page of HTML of a recording: what happened, in words that the
numbers prove; charts of the rate, the failures and the times; the failed and
the slowest requests with their waterfalls; routes, upstream nodes and workers;
the flame graph; and what was lost.

The page is one file for any browser, and for the printer. It loads nothing and
sends nothing, and it holds what it shows and no more: a few hundred KB, however
long the recording is. It needs neither root nor the gateway.

Here -o names the file, not a format. As -w of other commands it takes the place
of what was there; it is readable for its owner alone, and - is stdout. Filters
are those of trace and logs: what they remove is counted nowhere on the page.`,
		Example: `  apisixscope report -r incident.apisixscope -o report.html
  apisixscope report -r incident.apisixscope -o checkout.html --route checkout
  apisixscope report -r incident.apisixscope -o failed.html --status 5xx`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.given = givenFilters(cmd.Flags()); o.where != "" {
				o.given = append(o.given, "--where "+o.where)
			}
			return o.run(cmd.Context(), env)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.read, "read", "r", "", "make the page of the recording in `FILE`, which record made")
	f.StringVarP(&o.file, "output", "o", "", "write the page to `FILE`, such as report.html")
	addFilterFlags(f, &o.filter)
	addWhereFlag(f, &o.where)
	f.BoolVar(&o.secrets, "show-secrets", false, "show credentials in queries and headers, where the recording has them")
	// It fails for flags that do not exist or have words already, as -o has after this.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"html", "htm"}, cobra.ShellCompDirectiveFilterFileExt))
	completeTrace(cmd)
	return cmd
}

// check says what is wrong with the flags.
func (o *reportOptions) check() error {
	const such = "such as: apisixscope report -r incident.apisixscope -o report.html"
	switch {
	case o.read == "":
		return hint.Wrap(hint.Misuse(errors.New("name the recording to read with -r")), such)
	case o.file == "":
		return hint.Wrap(hint.Misuse(errors.New("name the page to write with -o")), such)
	case sameFile(o.file, o.read):
		return hint.Wrap(hint.Misuse(fmt.Errorf("-o would overwrite the recording %s, which is read", o.read)), "write to another file")
	}
	return nil
}

func (o *reportOptions) run(ctx context.Context, env Env) error {
	if err := o.check(); err != nil {
		return err
	}
	keep, err := newLogsKeeper(&o.filter, o.where)
	if err != nil {
		return err
	}
	r, err := openRecording(o.read)
	if err != nil {
		return err
	}
	out, err := o.open(env)
	if err != nil {
		return err
	}
	defer out.discard()
	page, sum, err := o.digest(ctx, r, keep)
	if err != nil {
		return err
	}
	page.Version = env.Version
	if err = render.WriteReport(out, page); out.unread(err) {
		err = nil
	}
	if err == nil {
		err = out.commit()
	}
	if err != nil {
		return err
	}
	newTalk(env).say("report: %s of %s  %s of %s", o.file, filepath.Base(o.read), text.Duration(r.Window), r.Gateway)
	return render.Summary(env.Err, sum)
}

// open opens the page's place.
func (o *reportOptions) open(env Env) (*output, error) {
	if o.file == "-" {
		return openOutput(env, o.file)
	}
	out, err := createOutput(o.file)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("write %s: %w", o.file, cause(err)), "name a file in a directory that you may write to with -o")
	}
	out.Writer = out.file
	return out, nil
}

// digest reads all of the recording. Half of it makes no page: an interrupt is an error.
func (o *reportOptions) digest(ctx context.Context, r *replay.Recording, keep *logsKeeper) (*render.Report, trace.Summary, error) {
	src, err := r.Source()
	if err != nil {
		return nil, trace.Summary{}, err
	}
	defer src.Close()
	defer spareCollector(false, 0)()
	seen := &render.Digest{}
	sum, err := trace.Pipeline{From: src, Keep: keep.keep, To: seen}.Run(ctx)
	if err = cmp.Or(err, ctx.Err()); err != nil {
		return nil, sum, err
	}
	return &render.Report{
		Title: filepath.Base(o.read), Began: r.Began, Window: r.Window, Cut: r.Cut, Facts: o.facts(r), Secrets: o.secrets, Seen: seen,
		Profile: r.Profile, Samples: r.Samples, NoProfile: r.NoProfile,
	}, sum, nil
}

// facts are what the recording says of the gateway.
func (o *reportOptions) facts(r *replay.Recording) []render.Fact {
	facts := []render.Fact{{Name: "gateway", Value: r.Gateway}}
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, render.Fact{Name: name, Value: value})
		}
	}
	add("host", r.Host)
	add("recorded", "by apisixscope "+r.Version+", from "+r.Began.Format(time.RFC3339)+" for "+text.Duration(r.Window))
	add("filters then", strings.Join(r.Filters, "  "))
	add("filters now", strings.Join(o.given, "  "))
	for _, f := range recordedFacts(r.Facts) {
		add(f.Name, f.Value)
	}
	return facts
}
