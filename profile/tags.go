package profile

import (
	"cmp"
	"strconv"
	"time"

	pprof "github.com/google/pprof/profile"
)

// The keys of a profile's labels, as in "go tool pprof -tagfocus plugin=cors".
const (
	LabelWorker    = "worker" // process id
	LabelPhase     = "phase"
	LabelPlugin    = "plugin"
	LabelRoute     = "route"
	LabelRouteName = "route_name"
	LabelService   = "service"
	LabelConsumer  = "consumer"
	LabelHost      = "host"
	LabelURI       = "uri"
	LabelTraceID   = "trace_id"
	LabelVM        = "vm"   // gc or compile
	LabelTick      = "tick" // a number: nanoseconds of the event loop's tick
)

func tagsOf(s *Sample) tags {
	t := tags{worker: s.PID, Labels: s.Labels, vm: s.VM}
	t.Request, t.Started = 0, time.Time{}
	for _, l := range t.texts() {
		*l = cut(*l, maxLabel)
	}
	if s.Kind == Stall {
		t.tick = s.Tick.Length
	}
	return t
}

// texts are the labels that are strangers' text.
func (t *tags) texts() [9]*string {
	return [9]*string{&t.Phase, &t.Plugin, &t.Route, &t.RouteName, &t.Service, &t.Consumer, &t.Host, &t.URI, &t.TraceID}
}

var textKeys = [9]string{LabelPhase, LabelPlugin, LabelRoute, LabelRouteName, LabelService, LabelConsumer, LabelHost, LabelURI, LabelTraceID}

// addTags keeps t, which is as it came.
func (b *Builder) addTags(t tags) uint32 {
	raw, kept := t, t
	for i, l := range raw.texts() {
		*kept.texts()[i] = clean(*l, maxLabel)
		*l = string([]byte(*l)) // which lets go of what it is a part of
	}
	id := uint32(len(b.tags))
	b.tags, b.tagIDs[raw] = append(b.tags, kept), id
	return id
}

func (t *tags) compare(u *tags) int {
	c := cmp.Or(cmp.Compare(t.worker, u.worker), cmp.Compare(t.vm, u.vm), cmp.Compare(t.tick, u.tick))
	of, with := t.texts(), u.texts()
	for i := range of {
		c = cmp.Or(c, cmp.Compare(*of[i], *with[i]))
	}
	return c
}

// label gives s the labels that are known.
func (t *tags) label(s *pprof.Sample) {
	s.Label = map[string][]string{}
	for i, l := range t.texts() {
		if *l != "" {
			s.Label[textKeys[i]] = []string{*l}
		}
	}
	if t.worker != 0 {
		s.Label[LabelWorker] = []string{strconv.Itoa(t.worker)}
	}
	if t.vm != "" {
		s.Label[LabelVM] = []string{clean(string(t.vm), maxLabel)}
	}
	if t.tick > 0 {
		s.NumLabel = map[string][]int64{LabelTick: {int64(t.tick)}}
		s.NumUnit = map[string][]string{LabelTick: {"nanoseconds"}}
	}
}
