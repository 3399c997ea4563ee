package replay

import (
	"errors"
	"reflect"

	"github.com/apisixscope/apisixscope/trace"
)

// errKind means that a line tells of something that this version does not know.
var errKind = errors.New("no event of this version")

// tally is the line of what was lost or removed.
type tally struct {
	Cause string
	Count uint64
}

var (
	exchanges = newCoder(reflect.TypeFor[trace.Exchange]())
	workers   = newCoder(reflect.TypeFor[trace.Worker]())
	tallies   = newCoder(reflect.TypeFor[tally]())
)

// AppendEvent appends the line of an event, its line break included. Of the kinds of events
// only those have lines that tell what was understood: exchanges, workers, what was lost and
// removed, and notes; of any other it appends nothing.
func AppendEvent(b []byte, e *trace.Event) []byte {
	switch e.Kind {
	case trace.KindExchange:
		b = exchanges.write(append(b, `{"exchange":`...), reflect.ValueOf(e.Exchange).Elem())
	case trace.KindWorker:
		b = workers.write(append(b, `{"worker":`...), reflect.ValueOf(e.Worker).Elem())
	case trace.KindLost:
		b = tallies.write(append(b, `{"lost":`...), reflect.ValueOf(&tally{e.Cause, e.Count}).Elem())
	case trace.KindRemoved:
		b = tallies.write(append(b, `{"removed":`...), reflect.ValueOf(&tally{e.Cause, e.Count}).Elem())
	case trace.KindNote:
		b = appendString(append(b, `{"note":`...), e.Note)
	default:
		return b
	}
	return append(b, '}', '\n')
}

// ParseEvent reads a line of AppendEvent, of this version or an older one. Fields that it
// does not know are left out: those of a newer one. The event does not keep the line.
func ParseEvent(line []byte) (trace.Event, error) {
	var e trace.Event
	s := &scanner{line: string(line)}
	s.object(func(name string) {
		switch name {
		case "exchange":
			e.Kind, e.Exchange = trace.KindExchange, &trace.Exchange{}
			exchanges.read(s, reflect.ValueOf(e.Exchange).Elem())
		case "worker":
			e.Kind, e.Worker = trace.KindWorker, &trace.Worker{}
			workers.read(s, reflect.ValueOf(e.Worker).Elem())
		case "lost", "removed":
			e.Kind = trace.KindLost
			if name == "removed" {
				e.Kind = trace.KindRemoved
			}
			var t tally
			tallies.read(s, reflect.ValueOf(&t).Elem())
			e.Cause, e.Count = t.Cause, t.Count
		case "note":
			e.Kind, e.Note = trace.KindNote, s.text()
		default:
			s.skip()
		}
	})
	s.end()
	switch {
	case s.err != nil:
		return trace.Event{}, s.err
	case e.Kind == 0:
		return trace.Event{}, errKind
	}
	return e, nil
}

// Append appends a value of a struct type, all of whose fields can be written, as a JSON
// object. ParseEvent's rules hold for it, too: what is zero is left out.
func Append[T any](b []byte, v *T) []byte {
	return newCoder(reflect.TypeFor[T]()).write(b, reflect.ValueOf(v).Elem())
}

// Parse reads what Append wrote into v, which is zero.
func Parse[T any](data []byte, v *T) error {
	s := &scanner{line: string(data)}
	newCoder(reflect.TypeFor[T]()).read(s, reflect.ValueOf(v).Elem())
	s.end()
	return s.err
}
