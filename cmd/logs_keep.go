package cmd

import (
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"

	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// logsKeeper decides which requests are logged, and remembers what there is to say of them.
type logsKeeper struct {
	filter *trace.Filter
	where  *logs.Where  // nil for no condition
	sample trace.Filter // comes last: it is of what all others keep

	failed  atomic.Uint64 // could not be decided
	failure atomic.Pointer[error]
	unread  atomic.Uint64 // have no request object
	cut     atomic.Uint64 // have more than was read
}

func newLogsKeeper(filter *trace.Filter, where string) (*logsKeeper, error) {
	k := &logsKeeper{filter: filter, sample: trace.Filter{Sample: filter.Sample}}
	filter.Sample = 1
	if where == "" {
		return k, nil
	}
	var err error
	k.where, err = logs.CompileWhere(where)
	return k, whereError(err)
}

// whereError tells what may be asked, where something else was.
func whereError(err error) error {
	e, ok := errors.AsType[*logs.WhereError](err)
	if !ok {
		return err
	}
	remedy := `compare fields, as in 'status >= 500 && upstream_time > 200ms'; docs/logs.md tells more`
	if e.Unknown {
		remedy = "there are " + logs.Names()
	}
	return hint.Wrap(hint.Misuse(fmt.Errorf("--where %w", err)), remedy)
}

// keep is for trace.Pipeline.
func (k *logsKeeper) keep(x *trace.Exchange) string {
	knowClient(x)
	if why := k.filter.Keep(x); why != "" {
		return why
	}
	if k.where != nil {
		ok, err := k.where.Match(x)
		if err != nil {
			k.failed.Add(1)
			k.failure.CompareAndSwap(nil, &err)
		}
		if !ok {
			return "--where"
		}
	}
	if why := k.sample.Keep(x); why != "" {
		return why
	}
	switch {
	case x.Logged == nil:
		k.unread.Add(1)
	case x.Logged.Cut:
		k.cut.Add(1)
	}
	return ""
}

// knowClient takes the client from nginx's record, where its socket was not watched.
func knowClient(x *trace.Exchange) {
	if x.Client.IsValid() || x.Logged == nil {
		return
	}
	if addr, err := netip.ParseAddr(x.Logged.RemoteAddr); err == nil { // a UNIX socket has none
		x.Client = netip.AddrPortFrom(addr, uint16(x.Logged.RemotePort))
	}
}

// tell says what was peculiar to some requests of the window.
func (k *logsKeeper) tell(env Env) {
	if n := k.failed.Load(); n > 0 {
		fmt.Fprintf(env.Err, "note: --where could not be decided for %d requests, which are not shown: %s\n", n, text.Clean((*k.failure.Load()).Error()))
	}
	if n := k.unread.Load(); n > 0 {
		fmt.Fprintf(env.Err, "note: of %d requests nginx's request object was not read: what is shown of them is what sockets tell\n", n)
	}
	if n := k.cut.Load(); n > 0 {
		fmt.Fprintf(env.Err, "note: of %d requests nginx logs more than is read: request lines are cut after 2048 bytes, other values after 512, attempts after 16\n", n)
	}
}
