// Package render shows what the gateway did, to people and to programs.
//
//	*trace.Exchange -> tree, table or json -> a writer that the caller keeps
//
// The tree and the table are for eyes: strangers' text goes through text.Clean, and no
// line is wider than asked for. JSON is one object a line and is written by hand, because
// it is on the path of every request of a busy gateway.
package render

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/trace"
)

// Options tell a renderer about the place it writes to.
type Options struct {
	Width    int  // columns of the terminal; 0 means 80
	Color    bool // the place obeys ANSI colours
	Evidence bool // show how each edge of a tree was found
	CPU      bool // exchanges have CPU time: a table has a column for it
}

// width returns the columns there are; below 40 nothing can be shown well.
func (o Options) width() int {
	if o.Width <= 0 {
		return 80
	}
	return max(o.Width, 40)
}

// A Flusher is a Sink that holds lines back for a moment, to write many at once. Flush
// writes them; whoever feeds the sink calls it when nothing has come for a while.
type Flusher interface {
	Flush() error
}

var traceFormats = map[string]func(io.Writer, Options) trace.Sink{
	"json":  newTraceJSON,
	"table": newTraceTable,
	"tree":  newTraceTree,
}

// Trace returns a sink that shows exchanges on w in the named format. Every sink it
// returns is a Flusher. An unknown format is misuse.
func Trace(format string, w io.Writer, o Options) (trace.Sink, error) {
	open, ok := traceFormats[format]
	if !ok {
		return nil, UnknownFormat(format, TraceFormats())
	}
	return open(w, o), nil
}

// TraceFormats returns the formats that Trace knows, in alphabetical order.
func TraceFormats() []string {
	return slices.Sorted(maps.Keys(traceFormats))
}

// UnknownFormat is the error for a format that is none of known.
func UnknownFormat(format string, known []string) error {
	return hint.Misuse(fmt.Errorf("unknown output format %q: choose one of %s", format, strings.Join(known, ", ")))
}
