package cmd

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/otlp"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// paperWidth is for lines that no terminal limits: a table has all its columns.
const paperWidth = 140

// display is how, and where to, exchanges are shown.
type display struct {
	place
	format   string // empty until settled
	trees    bool   // even where no terminal shows them
	evidence bool
	summary  bool
	secrets  bool // are shown
	cpu      bool // requests have CPU time
}

func (d *display) addFlags(f *pflag.FlagSet) {
	usual := "tree on a terminal, json to a file named *.json or *.jsonl, else table"
	if d.trees {
		usual = "json to a file named *.json or *.jsonl, else tree"
	}
	f.StringVarP(&d.format, "output", "o", "", "as `FORMAT` tree, table, json or otlp (default "+usual+")")
	d.addFileFlag(f)
	f.BoolVar(&d.evidence, "evidence", false, "show in a tree how each edge was found")
	d.addColorFlag(f)
}

// formats are the words for -o.
func formats() []string {
	known := append(render.TraceFormats(), "otlp")
	slices.Sort(known)
	return known
}

// settle chooses the format, if the user did not, and checks it.
func (d *display) settle(env Env) error {
	trees := d.trees || env.OutTerm && d.file == ""
	switch ext := filepath.Ext(d.file); {
	case d.format != "":
	case ext == ".json" || ext == ".jsonl":
		d.format = "json"
	case trees && !d.summary:
		d.format = "tree"
	default:
		d.format = "table"
	}
	if !slices.Contains(formats(), d.format) {
		return render.UnknownFormat(d.format, formats())
	}
	if d.summary && d.format != "table" && d.format != "json" {
		return hint.Misuse(fmt.Errorf("--summary has no form in %s: choose -o table or -o json", d.format))
	}
	return nil
}

// sink returns what shows exchanges on out.
func (d *display) sink(env Env, out *output) (trace.Sink, error) {
	sink, err := d.openSink(env, out)
	if err != nil || d.secrets {
		return sink, err
	}
	return discreet{sink}, nil
}

// discreet hides the credentials of requests from what shows them, whatever that is.
type discreet struct{ trace.Sink }

// Show takes them from x itself: nobody needs them after it.
func (d discreet) Show(x *trace.Exchange) error {
	x.Path, x.Query = logs.HideURL(x.Path), logs.HideQuery(x.Query)
	return d.Sink.Show(x)
}

// Flush makes it a render.Flusher, as the sink itself is.
func (d discreet) Flush() error {
	if f, ok := d.Sink.(render.Flusher); ok {
		return f.Flush()
	}
	return nil
}

func (d *display) openSink(env Env, out *output) (trace.Sink, error) {
	o := d.options(env, out)
	o.Evidence, o.CPU = d.evidence, d.cpu
	switch {
	case d.summary:
		return render.Groups(d.format, out, o)
	case d.format == "otlp":
		return otlp.NewSink(out), nil
	}
	return render.Trace(d.format, out, o)
}

func colorModes() []string { return []string{"auto", "always", "never"} }
func probeModes() []string { return []string{"auto", "off"} }

// completeTrace tells the shell the words that flags know.
func completeTrace(cmd *cobra.Command) {
	for flag, known := range map[string][]string{
		"output": formats(),
		"probes": probeModes(),
		"color":  colorModes(),
		"method": {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"},
		"status": {"2xx", "3xx", "4xx", "5xx", "none"},
	} {
		if cmd.Flags().Lookup(flag) == nil {
			continue
		}
		// It fails for flags that do not exist or have words already.
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(known, cobra.ShellCompDirectiveNoFileComp))
	}
}

// open settles what to show and where, and opens it, as place does.
func (d *display) open(env Env) (*output, trace.Sink, error) {
	if err := d.settle(env); err != nil {
		return nil, nil, err
	}
	return d.place.open(env, func(out *output) (trace.Sink, error) { return d.sink(env, out) })
}
