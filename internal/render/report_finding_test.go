package render_test

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/trace"
)

// said returns the sentences of a page's summary.
func said(page string) (all []string) {
	_, list, _ := strings.Cut(page, `<ul class="findings">`)
	list, _, _ = strings.Cut(list, "</ul>")
	for _, m := range regexp.MustCompile(`<li class="[a-z]+">(.*)</li>`).FindAllStringSubmatch(list, -1) {
		all = append(all, html.UnescapeString(m[1]))
	}
	return all
}

// window is 50 requests a second for two minutes; change makes of the n-th what it is.
func window(change func(n int, x *trace.Exchange)) []*trace.Exchange {
	var all []*trace.Exchange
	began := at(0).Truncate(time.Second)
	for n := range 6000 {
		a := attempt([]string{"10.0.0.3:8080", "10.0.0.4:8080", "10.0.0.5:8080"}[n%3], began, 5*ms)
		x := &trace.Exchange{
			Start: began.Add(time.Duration(n) * 20 * ms), Duration: 6 * ms, PID: 4131 + n%2, Method: "GET", Host: "shop.example", Path: "/", Status: 200,
			Source: trace.FromUpstream, Attempts: []trace.Attempt{a},
		}
		change(n, x)
		all = append(all, x)
	}
	return all
}

// fail has the request end as with a node that refuses.
func fail(x *trace.Exchange) {
	a := &x.Attempts[0]
	x.Status, x.Source, x.ErrType = 502, trace.FromNginx, trace.ErrRefused
	a.Status, a.ErrType, a.Reason = 0, trace.ErrRefused, "the node refused the connection"
}

func TestReportSaysWhatHappened(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(n int, x *trace.Exchange)
		want   []string
	}{
		"well": {func(int, *trace.Exchange) {}, []string{
			"No request failed: all 6,000 were answered with a status below 500.",
		}},
		"one failure": {func(n int, x *trace.Exchange) {
			if n == 1000 {
				fail(x)
			}
		}, []string{
			"1 of 6,000 requests (0.0%) failed: node 10.0.0.4:8080 refused the connection.",
		}},
		"a node goes": {func(n int, x *trace.Exchange) {
			if n >= 2000 && n < 2500 && n%3 == 0 {
				fail(x)
			}
		}, []string{
			"From 12:15:25 to 12:15:35 167 of 500 requests (33.4%) failed, at most 34.0% at 12:15:25: all because node 10.0.0.3:8080 refused the connection.",
			"Outside of that none of 5,500 requests failed.",
			"All 167 failed attempts were at node 10.0.0.3:8080, which got 33.3% of all attempts.",
		}},
		"all the time": {func(n int, x *trace.Exchange) {
			switch {
			case n%50 == 7:
				x.Status, x.Source = 503, trace.FromAPISIX
				x.Names.Plugin, x.Attempts = "limit-conn", nil
			case n%50 == 9:
				x.Status, x.Attempts[0].Status = 500, 500
			}
		}, []string{
			"240 of 6,000 requests (4.0%) failed: 120 because APISIX's plugin limit-conn answered 503; 40 because node 10.0.0.3:8080 answered 500; 40 because node 10.0.0.5:8080 answered 500; 40 for other reasons.",
		}},
		"two times": {func(n int, x *trace.Exchange) {
			switch {
			case n >= 500 && n < 550:
				fail(x)
			case n >= 4000 && n < 4030:
				x.Status, x.Source, x.ErrType, x.Attempts = 0, trace.FromUnknown, trace.ErrClientGone, nil
			case n == 5500:
				fail(x)
			}
		}, []string{
			"From 12:14:55 to 12:14:56 50 of 50 requests (100%) failed: 17 because node 10.0.0.5:8080 refused the connection; 17 because node 10.0.0.3:8080 refused the connection; 16 because node 10.0.0.4:8080 refused the connection.",
			"From 12:16:05 to 12:16:06 30 of 50 requests (60.0%) failed: all because the client closed its connection.",
			"Outside of that 1 of 5,900 requests (0.0%) failed.",
		}},
		"slow": {func(n int, x *trace.Exchange) {
			if n >= 3000 && n < 3400 && n%3 == 1 {
				x.Duration, x.Attempts[0].Wait, x.Attempts[0].Duration = 900*ms, 890*ms, 890*ms
			}
		}, []string{
			"No request failed: all 6,000 were answered with a status below 500.",
			"From 12:15:45 to 12:15:54 p99 of the time that requests took was up to 884ms; its median over the window is 5.89ms.",
			"Of the 50 slowest requests 50 spent most of their time in upstream wait of node 10.0.0.4:8080.",
		}},
		"rescued": {func(n int, x *trace.Exchange) {
			if n%100 == 0 {
				again := x.Attempts[0]
				fail(x)
				x.Status, x.ErrType, x.Source = 200, "", trace.FromUpstream
				x.Attempts = append(x.Attempts, again)
			}
			if n == 600 {
				x.Status, x.Attempts[1].Status = 500, 500
			}
		}, []string{
			"1 of 6,000 requests (0.0%) failed: node 10.0.0.3:8080 answered 500.",
			"60 requests were tried at more than one node: 59 of them were answered in the end, 1 failed.",
		}},
		"refused": {func(n int, x *trace.Exchange) {
			if n%60 == 0 {
				x.Status, x.Source, x.Attempts = 404, trace.FromAPISIX, nil
			}
		}, []string{
			"No request failed: all 6,000 were answered with a status below 500.",
			"100 requests (1.7%) were refused with a status of 4xx.",
		}},
		"one worker": {func(n int, x *trace.Exchange) {
			if n%10 != 0 {
				x.PID = 4131
			} else {
				x.PID = 4132
			}
		}, []string{
			"No request failed: all 6,000 were answered with a status below 500.",
			"Worker 4131 answered 90.0% of the requests; there are 2 workers.",
		}},
	} {
		d := &render.Digest{}
		feedDigest(t, d, window(tt.change), nil, trace.Summary{})
		got := said(written(t, &render.Report{Seen: d, Began: at(0), Window: 2 * time.Minute}))
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
}

func TestReportSaysWhatBlockedAWorker(t *testing.T) {
	s := newShop(1, 1000)
	got := strings.Join(said(written(t, s.report(t))), "\n")
	if want := "The event loop of worker 4131 was blocked for 340ms by 12:15:26, and with it every other request of that worker."; !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwant %s", got, want)
	}
	r := s.report(t)
	r.Profile, r.Samples = stalledProfile()
	r.Cut = "the recording is cut after 10:15:15.000 UTC"
	if err := r.Seen.Summary(trace.Summary{Lost: map[string]uint64{"requests_ring_full": 1203}}); err != nil {
		t.Fatal(err)
	}
	got = strings.Join(said(written(t, r)), "\n")
	for _, want := range []string{"The loop of worker 4132 was blocked for 3", " by ", "Numbers are lower bounds: lost 1,203 events: requests_ring_full 1,203.", "The recording is cut after 10:15:15.000 UTC."} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %s", got, want)
		}
	}
}
