package trace

import (
	"bytes"
	"slices"
)

// Clone returns a copy of x that stays valid after Sink.Show. What Logged and Headers point
// to is shared: nobody writes to it.
func (x *Exchange) Clone() *Exchange {
	y := *x
	y.Attempts, y.Spans, y.Incomplete = slices.Clone(x.Attempts), slices.Clone(x.Spans), slices.Clone(x.Incomplete)
	y.HeaderValues = slices.Clone(x.HeaderValues)
	y.Names.Plugins, y.Names.Labels = slices.Clone(x.Names.Plugins), slices.Clone(x.Names.Labels)
	y.Asked, y.Answered = bytes.Clone(x.Asked), bytes.Clone(x.Answered)
	return &y
}
