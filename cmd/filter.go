package cmd

import (
	"time"

	"github.com/spf13/pflag"

	"github.com/apisixscope/apisixscope/trace"
)

// addFilterFlags lets a user say which requests are of interest.
func addFilterFlags(f *pflag.FlagSet, filter *trace.Filter) {
	f.Var(&words{add: filter.AddHost, kind: "HOST"}, "host", "keep this host; *.h is every host below h")
	f.Var(&words{add: filter.AddPath, kind: "GLOB"}, "path", "keep these paths; * stands for any characters, ? for one")
	f.Var(&words{add: filter.AddMethod, kind: "METHOD"}, "method", "keep these methods")
	f.Var(&words{add: filter.AddStatus, kind: "STATUS"}, "status", "keep 404, 5xx, 500-504, or none for no response")
	f.Var(period{&filter.SlowerThan}, "slower-than", "keep what took so long, or longer")
	f.Var(&words{add: filter.AddClient, kind: "CIDR"}, "client", "keep clients of this address or network")
	f.Var(&words{add: filter.AddUpstream, kind: "ADDR"}, "upstream", "keep what was tried at this node: ip, ip:port or :port")
	f.Var(&words{add: filter.AddRoute, kind: "NAME"}, "route", "keep this route: its id or name, with * for any characters; none for no route")
	f.Var(&words{add: filter.AddService, kind: "NAME"}, "service", "keep this service, as --route")
	f.Var(&words{add: filter.AddConsumer, kind: "NAME"}, "consumer", "keep this consumer, as --route")
	filter.Sample = 1
	f.Var(number[uint64]{&filter.Sample, 1}, "sample", "of what the other filters keep, keep one in N")
}

// addWhereFlag lets a user say so in the language of logs.Where.
func addWhereFlag(f *pflag.FlagSet, where *string) {
	f.StringVar(where, "where", "", "keep what meets the condition `EXPR`, such as 'status >= 500 && upstream_time > 200ms'")
}

// limits end a window.
type limits struct {
	duration time.Duration
	count    uint64
}

func (l *limits) addFlags(f *pflag.FlagSet) {
	f.VarP(period{&l.duration}, "duration", "d", "end after this time; 0 means by Ctrl-C alone")
	f.VarP(number[uint64]{&l.count, 0}, "count", "c", "end after N requests were shown; 0 means no limit")
}
