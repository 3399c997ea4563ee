package render

import (
	"io"
	"maps"
	"slices"

	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/profile"
)

// writeSpeedscope writes Speedscope's own format: one profile, or one for each value of a
// label. Its schema is https://www.speedscope.app/file-format-schema.json.
func writeSpeedscope(w io.Writer, g *profilePage) error {
	var groups []string
	samples := map[string][]*pprof.Sample{}
	for _, s := range g.p.Sample {
		samples[g.group(s)] = append(samples[g.group(s)], s)
	}
	if len(samples) == 0 {
		samples[""] = nil
	}
	groups = slices.Sorted(maps.Keys(samples))
	frames := speedscopeFrames{index: map[speedscopeFrame]int{}}
	var profiles []byte
	for _, name := range groups {
		profiles = append(frames.profile(profiles, g, name, samples[name]), ',')
	}
	b := []byte(`{"$schema":"https://www.speedscope.app/file-format-schema.json","shared":{"frames":[`)
	for _, f := range frames.all {
		b = append(b, '{')
		b = append(b, `"name":`...)
		b = append(text.AppendJSON(b, f.name), ',')
		b = textField(b, `"file":`, f.file)
		b = countField(b, `"line":`, f.line)
		b = append(shut(b, '}'), ',')
	}
	b = append(shut(b, ']'), `},"profiles":[`...)
	b = append(b, profiles...)
	b = append(shut(b, ']'), ',')
	b = textField(b, `"name":`, g.name())
	b = append(b, `"activeProfileIndex":0,`...)
	b = textField(b, `"exporter":`, "apisixscope "+g.Version)
	_, err := w.Write(append(shut(b, '}'), '\n'))
	return err
}

// name is what the profile as a whole is called.
func (g *profilePage) name() string {
	if g.Title != "" {
		return "apisixscope " + string(g.sum.Kind) + ": " + g.Title
	}
	return "apisixscope " + string(g.sum.Kind)
}

type speedscopeFrame struct {
	name, file string
	line       int64
}

type speedscopeFrames struct {
	index map[speedscopeFrame]int
	all   []speedscopeFrame
}

func (fs *speedscopeFrames) of(l *pprof.Location) int {
	f := l.Line[0].Function
	frame := speedscopeFrame{f.Name, f.Filename, f.StartLine}
	if k := profile.KindOf(l); k == profile.FrameNative && l.Mapping != nil {
		frame.file = l.Mapping.File
	} else if k != profile.FrameNative && !isLua(k) {
		frame.file = l.Mapping.File // such as [kernel]: Speedscope paints by file
	}
	i, ok := fs.index[frame]
	if !ok {
		i = len(fs.all)
		fs.all, fs.index[frame] = append(fs.all, frame), i
	}
	return i
}

func isLua(k profile.FrameKind) bool { return k == profile.FrameLua || k == profile.FrameJIT }

func (fs *speedscopeFrames) profile(b []byte, g *profilePage, name string, samples []*pprof.Sample) []byte {
	var stacks, weights []byte
	var end int64
	for _, s := range samples {
		stacks = append(stacks, '[')
		for _, l := range slices.Backward(s.Location) {
			stacks = intField(stacks, "", int64(fs.of(l)))
		}
		stacks = append(shut(stacks, ']'), ',')
		weights = intField(weights, "", s.Value[1])
		end += s.Value[1]
	}
	b = append(b, `{"type":"sampled",`...)
	if name == "" {
		name = g.name()
	}
	b = textField(b, `"name":`, name)
	b = append(b, `"unit":"nanoseconds","startValue":0,`...)
	b = intField(b, `"endValue":`, end)
	b = append(append(b, `"samples":[`...), stacks...)
	b = append(append(shut(b, ']'), `,"weights":[`...), weights...)
	return append(shut(b, ']'), '}')
}
