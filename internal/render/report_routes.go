package render

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// routeTable has the routes, the busiest first.
func (p *reportPage) routeTable() reportTable {
	t := reportTable{ID: "routes", Title: "Routes", Columns: []reportColumn{
		{Title: "Route"}, {Title: "Service"}, {Title: "Requests", Number: true}, {Title: "Last minutes", Hint: "requests of each second, and above them those that failed"}, {Title: "A second", Number: true},
		{Title: "Failed", Number: true, Hint: "no answer, or 5xx"}, {Title: "By", Hint: "who made the answers that failed"}, {Title: "4xx", Number: true}, {Title: "Retries", Number: true},
		{Title: "p50", Number: true}, {Title: "p90", Number: true}, {Title: "p99", Number: true}, {Title: "Longest", Number: true}, {Title: "Gateway p99", Number: true, Hint: "of the gateway's own part of the time"},
	}}
	for _, r := range p.digest.requests.Routes() {
		rate := reportCell{Text: "-", Sort: "0"}
		if p.Window > 0 {
			f := float64(r.Requests) / p.Window.Seconds()
			rate = reportCell{Text: number(f), Sort: strconv.FormatFloat(f, 'g', -1, 64)}
		}
		t.Rows = append(t.Rows, reportRow{Cells: []reportCell{
			textCell(routeName(&r)), textCell(r.Service), countCell(r.Requests), p.sparkCell(r.Recent), rate,
			shareCell(r.Errors, r.Requests, "bad"), textCell(makers(&r)), shareCell(r.Classes[4], r.Requests, "warn"), countCell(r.Retries),
			tookCell(r.P50), tookCell(r.P90), tookCell(r.P99), tookCell(r.Max), tookCell(r.GatewayP99),
		}})
	}
	return t
}

func routeName(r *metrics.RouteSeen) string {
	switch {
	case r.Other:
		return "(further routes)"
	case r.Unread:
		return "(not known)"
	case r.ID == "" && r.Name == "":
		return "(none matched)"
	}
	return calledAs(r.Name, r.ID)
}

// makers tells who made how many of the answers that failed.
func makers(r *metrics.RouteSeen) string {
	var out []string
	for _, source := range slices.SortedFunc(maps.Keys(r.Sources), func(a, b trace.ResponseSource) int {
		return cmp.Or(cmp.Compare(r.Sources[b], r.Sources[a]), cmp.Compare(a, b))
	}) {
		out = append(out, cmp.Or(string(source), string(trace.FromUnknown))+" "+count(r.Sources[source]))
	}
	return strings.Join(out, ", ")
}

// sparkCell draws the last five minutes, or the window where that is shorter.
func (p *reportPage) sparkCell(of *metrics.Recent) reportCell {
	const most = 300
	d := p.digest
	ended := d.ended.Truncate(time.Second).Add(time.Second)
	seconds := int(ended.Sub(d.began.Truncate(time.Second)) / time.Second)
	counts, errors := of.Counts(ended, min(max(seconds, 1), most))
	line := newSparkline(counts, errors)
	var sum uint64
	for _, n := range counts {
		sum += uint64(n)
	}
	return reportCell{Spark: line, Sort: strconv.FormatUint(sum, 10)}
}

// nodeTable has the upstream nodes, by address.
func (p *reportPage) nodeTable() reportTable {
	t := reportTable{ID: "nodes", Title: "Upstream nodes", Columns: []reportColumn{
		{Title: "Node"}, {Title: "Upstream"}, {Title: "Attempts", Number: true}, {Title: "Last minutes", Hint: "attempts of each second, and above them those that failed"},
		{Title: "Failed", Number: true}, {Title: "How"}, {Title: "Retries", Number: true, Hint: "attempts after another one of the same request had failed"}, {Title: "Resets", Number: true},
		{Title: "Reused", Number: true, Hint: "attempts on a connection that had served others"}, {Title: "Connect p50", Number: true}, {Title: "p99", Number: true}, {Title: "Wait p50", Number: true, Hint: "from the request's last byte to the response's first"}, {Title: "p99", Number: true},
	}}
	all, untold := p.digest.requests.Upstreams()
	for _, u := range all {
		how := ""
		for i, kind := range byCount(u.Errors) {
			if i > 0 {
				how += ", "
			}
			how += kind + " " + count(u.Errors[kind])
		}
		note := ""
		if u.LastReason != "" {
			note = "failed last at " + p.clock(u.LastFailed) + ": " + text.Clean(u.LastReason)
		}
		t.Rows = append(t.Rows, reportRow{Note: note, Cells: []reportCell{
			textCell(u.Address.String()), textCell(upstreamName(u.Upstream)), countCell(u.Attempts), p.sparkCell(u.Recent), shareCell(u.Failures, u.Attempts, "bad"), textCell(how),
			countCell(u.Retries), shareCell(u.Resets, u.Attempts, "warn"), shareCell(u.Reused, u.Reused+u.Fresh, ""),
			tookCell(u.ConnectP50), tookCell(u.ConnectP99), tookCell(u.WaitP50), tookCell(u.WaitP99),
		}})
	}
	if untold > 0 {
		t.Note = count(untold) + " attempts at further nodes are not in the table."
	}
	return t
}

// upstreamName is what APISIX calls an upstream, without what all of them have.
func upstreamName(key string) string {
	_, name, found := strings.Cut(key, "#/apisix/")
	if !found {
		return key
	}
	return strings.TrimPrefix(name, "upstreams/") // else it is in a route or a service
}
