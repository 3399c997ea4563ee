package cmd

import (
	"github.com/spf13/pflag"

	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/trace"
)

// place is where exchanges are shown.
type place struct {
	file  string
	color string
}

func (p *place) addFileFlag(f *pflag.FlagSet) {
	f.StringVarP(&p.file, "write", "w", "", "write to `FILE`, which appears when the window ends")
}

func (p *place) addColorFlag(f *pflag.FlagSet) {
	p.color = "auto"
	f.Var(choice{&p.color, "WHEN", colorModes()}, "color", "always, never, or auto: on a terminal, unless NO_COLOR is set")
}

// options tell a renderer about the place.
func (p *place) options(env Env, out *output) render.Options {
	o := render.Options{Width: env.Width}
	if o.Width == 0 {
		o.Width = paperWidth
	}
	switch p.color {
	case "always":
		o.Color = true
	case "auto":
		o.Color = out.stdout && env.OutTerm && !env.NoColor
	}
	return o
}

// open opens the place, and what shows exchanges there; then it asks whether this host
// allows a trace, so that nothing is attached in vain. The caller discards the output.
func (p *place) open(env Env, show func(*output) (trace.Sink, error)) (*output, trace.Sink, error) {
	out, err := openOutput(env, p.file)
	if err != nil {
		return nil, nil, err
	}
	sink, err := show(out)
	if err == nil {
		err = env.Ready()
	}
	if err != nil {
		out.discard()
		return nil, nil, err
	}
	return out, sink, nil
}
