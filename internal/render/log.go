package render

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// LogOptions tell a renderer of log lines what to show.
type LogOptions struct {
	Options
	View     logs.View
	Hostname *string // of the gateway: read when a line is shown, for it is not known at first; nil for none
	Version  string  // of this program
}

var logFormats = map[string]func(io.Writer, LogOptions) trace.Sink{
	"apisix": newLogAPISIX,
	"har":    newLogHAR,
	"json":   newLogJSON,
	"text":   newLogText,
}

// templatePrefix is what a format begins with that is a template itself.
const templatePrefix = "template="

// Logs returns a sink that shows each exchange on w as a log line in the named format, or
// as "template=…" says. Every sink it returns is a Flusher. An unknown format, and a
// template that is none, are misuse.
func Logs(format string, w io.Writer, o LogOptions) (trace.Sink, error) {
	if source, ok := strings.CutPrefix(format, templatePrefix); ok {
		return newLogTemplate(source, w, o)
	}
	open, ok := logFormats[format]
	if !ok {
		return nil, UnknownFormat(format, append(LogFormats(), "template=TEMPLATE"))
	}
	return open(w, o), nil
}

// LogFormats returns the formats that Logs knows by name, in alphabetical order.
func LogFormats() []string {
	return slices.Sorted(maps.Keys(logFormats))
}

// WantsHeaders reports whether the format may show headers that no View selects.
func WantsHeaders(format string) bool {
	source, ok := strings.CutPrefix(format, templatePrefix)
	return ok && strings.Contains(source, "header")
}

// unread is said of a line that is not made from nginx's request object.
const unread = "request object: it was not read, so this is what the sockets tell"

// logTime writes a time of a log line as exactly as it is known: nginx counts milliseconds.
func logTime(e *logs.Entry, d time.Duration) string {
	if e.Read && d >= 0 && d < 10*time.Second {
		return fmt.Sprintf("%dms", d.Milliseconds())
	}
	return elapsed(e.Exchange, d)
}
