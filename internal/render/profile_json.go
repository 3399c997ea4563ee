package render

import (
	"io"

	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/profile"
)

// profileJSON writes an object a line: docs/profile.md describes each field.
type profileJSON struct {
	feed
	at stamper
}

func writeProfileJSON(w io.Writer, g *profilePage) error {
	j := &profileJSON{feed: newFeed(w)}
	for _, s := range g.p.Sample {
		if err := j.sample(g, s); err != nil {
			return err
		}
	}
	for _, f := range profile.Findings(g.p) {
		b := append(j.buf, `{"type":"finding",`...)
		b = textField(b, `"finding":`, f.ID)
		b = shareField(b, f.Share)
		b = textField(b, `"text":`, f.Text)
		if err := j.commit(append(shut(b, '}'), '\n')); err != nil {
			return err
		}
	}
	if err := j.stalls(&g.sum); err != nil {
		return err
	}
	return j.summary(&g.sum)
}

// shareField writes a share in thousandths of a percent, without an exponent.
func shareField(b []byte, share float64) []byte {
	n := int64(share*100000 + 0.5)
	b = append(b, `"share":`...)
	b = append(b, byte('0'+n/100000), '.')
	for d := int64(10000); d > 0; d /= 10 {
		b = append(b, byte('0'+n/d%10))
	}
	return append(b, ',')
}

func (j *profileJSON) sample(g *profilePage, s *pprof.Sample) error {
	label := func(key string) string { return profile.LabelOf(s, key) }
	b := append(j.buf, `{"type":"sample",`...)
	b = textField(b, `"kind":`, string(g.sum.Kind))
	b = intField(b, `"samples":`, s.Value[0])
	b = intField(b, `"ns":`, s.Value[1])
	if pid := label(profile.LabelWorker); pid != "" { // which is a number
		b = append(b, `"process.pid":`...)
		b = append(append(b, pid...), ',')
	}
	b = textField(b, `"phase":`, label(profile.LabelPhase))
	b = textField(b, `"apisix.plugin":`, label(profile.LabelPlugin))
	b = textField(b, `"apisix.route_id":`, label(profile.LabelRoute))
	b = textField(b, `"apisix.route_name":`, label(profile.LabelRouteName))
	b = textField(b, `"apisix.service_id":`, label(profile.LabelService))
	b = textField(b, `"apisix.consumer":`, label(profile.LabelConsumer))
	b = textField(b, `"server.address":`, label(profile.LabelHost))
	b = textField(b, `"url.path":`, label(profile.LabelURI))
	b = textField(b, `"trace_id":`, label(profile.LabelTraceID))
	b = textField(b, `"vm":`, label(profile.LabelVM))
	if tick := s.NumLabel[profile.LabelTick]; len(tick) > 0 {
		b = intField(b, `"tick_ns":`, tick[0])
	}
	b = append(b, `"stack":[`...)
	for _, l := range s.Location {
		b = frameObject(b, l)
	}
	b = append(shut(b, ']'), ',')
	return j.commit(append(shut(b, '}'), '\n'))
}

func frameObject(b []byte, l *pprof.Location) []byte {
	f := l.Line[0].Function
	kind := profile.KindOf(l)
	b = append(b, '{')
	b = textField(b, `"profile.frame.type":`, string(kind))
	b = textField(b, `"code.function.name":`, f.Name)
	b = textField(b, `"code.file.path":`, f.Filename)
	b = countField(b, `"code.line.number":`, l.Line[0].Line)
	b = countField(b, `"start_line":`, f.StartLine)
	if kind == profile.FrameNative && l.Mapping != nil {
		b = textField(b, `"object":`, l.Mapping.File)
		b = textField(b, `"build_id":`, l.Mapping.BuildID)
	}
	b = countField(b, `"address":`, int64(l.Address))
	return append(shut(b, '}'), ',')
}

func (j *profileJSON) stalls(s *profile.Summary) error {
	for i := range s.Stalls {
		st := &s.Stalls[i]
		b := append(j.buf, `{"type":"stall",`...)
		b = intField(b, `"process.pid":`, int64(st.Worker))
		b = j.at.field(b, `"start":`, st.Tick.Start)
		b = intField(b, `"duration_ns":`, int64(st.Tick.Length))
		b = intField(b, `"samples":`, int64(st.Samples))
		b = textField(b, `"code.function.name":`, st.Function)
		b = textField(b, `"code.file.path":`, st.File)
		b = countField(b, `"start_line":`, int64(st.Line))
		b = textField(b, `"phase":`, st.Phase)
		b = textField(b, `"apisix.plugin":`, st.Plugin)
		if err := j.commit(append(shut(b, '}'), '\n')); err != nil {
			return err
		}
	}
	return nil
}

// summary writes the last line. Its members are always there.
func (j *profileJSON) summary(s *profile.Summary) error {
	b := append(j.buf, `{"type":"summary",`...)
	b = textField(b, `"kind":`, string(s.Kind))
	b = intField(b, `"samples":`, int64(s.Samples))
	b = intField(b, `"ns":`, int64(s.Weight))
	b = intField(b, `"period_ns":`, int64(s.Period))
	b = countsField(b, `"lost":`, s.Lost)
	b = countsField(b, `"truncated":`, s.Truncated)
	b = countsField(b, `"missing":`, s.Missing)
	b = intField(b, `"less_detail":`, int64(s.Coarse))
	b = intField(b, `"long_ticks":`, int64(s.Ticks))
	b = append(b, `"notes":[`...)
	for _, note := range s.Notes {
		b = append(text.AppendJSON(b, note), ',')
	}
	b = append(shut(b, ']'), ',')
	b = j.at.field(b, `"start":`, s.Began)
	b = intField(b, `"window_ns":`, int64(s.Window))
	if err := j.commit(append(shut(b, '}'), '\n')); err != nil {
		return err
	}
	return j.Flush()
}
