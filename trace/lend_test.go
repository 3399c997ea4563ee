package trace_test

import (
	"slices"

	"github.com/apisixscope/apisixscope/trace"
)

// lend returns e as a Source does: what it points to is the Source's, but for a Request.
func lend(e *trace.Event) trace.Event {
	switch e.Kind {
	case trace.KindMessage:
		m := *e.Message
		m.Head = slices.Clone(m.Head)
		e.Message = &m
	case trace.KindTail:
		tail := *e.Tail
		e.Tail = &tail
	case trace.KindClose:
		c := *e.Close
		e.Close = &c
	case trace.KindProcess:
		p := *e.Process
		e.Process = &p
	}
	return *e
}

// spoil writes over what was lent, as a Source may with its next event.
func spoil(e *trace.Event) {
	switch e.Kind {
	case trace.KindMessage:
		for i := range e.Message.Head {
			e.Message.Head[i] = '!'
		}
		*e.Message = trace.Message{Conn: trace.Conn{Process: "spoiled"}, Head: e.Message.Head}
	case trace.KindTail:
		*e.Tail = trace.Tail{}
	case trace.KindClose:
		*e.Close = trace.Close{}
	case trace.KindProcess:
		*e.Process = trace.Process{PID: -1, Status: 9}
	}
}
