package render_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/replay"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/trace"
)

func written(t testing.TB, r *render.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := render.WriteReport(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// smallReport is of few requests, one of each kind, some of them hostile.
func smallReport(t testing.TB) *render.Report {
	d := &render.Digest{}
	feedDigest(t, d, samples(), nil, summary())
	return &render.Report{
		Title: "small.apisixscope", Version: "v0.0.0-test", Began: at(0), Window: 30 * time.Second, Seen: d, Cut: "the recording is cut after 12:15:15.000 UTC",
		Facts: []render.Fact{{Name: "gateway", Value: "openresty 1.27.1.2"}}, NoProfile: "the process lacks CAP_PERFMON",
	}
}

func TestReportGolden(t *testing.T) {
	testrig.Golden(t, "report.html", written(t, smallReport(t)))
}

func TestReportIsDeterministic(t *testing.T) {
	first := written(t, newShop(7, 2000).report(t))
	for range 3 {
		if written(t, newShop(7, 2000).report(t)) != first {
			t.Fatal("the same window makes two pages")
		}
	}
	if written(t, newShop(8, 2000).report(t)) == first {
		t.Error("another window makes the same page")
	}
}

func TestReportIsSmall(t *testing.T) {
	page := written(t, newShop(1, 5000).report(t))
	t.Logf("%d bytes for 5,000 requests", len(page))
	if len(page) > 5<<20 {
		t.Errorf("it has %d bytes", len(page))
	}
	small := written(t, newShop(1, 500).report(t))
	if large := written(t, newShop(1, 50_000).report(t)); len(large) > 3*len(small) {
		t.Errorf("%d bytes for 500 requests, and %d for 50,000", len(small), len(large))
	}
}

// TestReportOfNothing has no request, or only some of which nothing is known.
func TestReportOfNothing(t *testing.T) {
	for name, all := range map[string][]*trace.Exchange{
		"none": nil, "unknown": {{}, {Duration: -1, Status: 200}}, "conversations": {{Start: at(0), Duration: time.Hour, Status: 101}},
	} {
		d := &render.Digest{}
		feedDigest(t, d, all, []*trace.Worker{{}, {PID: 1, CPU: -1, Conns: -1, Unwatched: true}}, trace.Summary{})
		page := written(t, &render.Report{Seen: d})
		for _, word := range []string{"NaN", "Inf", "%!", "<nil>", "-1h"} {
			if strings.Contains(page, word) {
				t.Errorf("%s: the page says %s", name, word)
			}
		}
	}
}

const attack = `</title></style></script><script>alert(1)</script><img src=x onerror=alert(1)>"'><svg onload=alert(1)>]]>--><a href="javascript:alert(1)">` + "\x1b[31m\u202e\x00"

// poison writes the attack into every string that v leads to.
func poison(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			v.SetString(attack)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			poison(v.Elem())
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				poison(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i))
		}
	}
}

// hostileReport has an attack in every text of every request, of the profile and of the gateway.
func hostileReport(t testing.TB) *render.Report {
	s := newShop(3, 300)
	for i, x := range s.exchanges {
		x.Incomplete, x.Names.Labels = []string{""}, []trace.Label{{}}
		for k := range x.Spans {
			x.Spans[k].Process, x.Spans[k].Plugin = "", "limit-count"
		}
		if i%3 == 0 { // as if no route were known
			x.Names = trace.Names{}
		}
		poison(reflect.ValueOf(x))
	}
	r := s.report(t)
	for i := range r.Facts {
		poison(reflect.ValueOf(&r.Facts[i]))
	}
	r.Title, r.Version, r.Cut, r.NoProfile = attack, attack, attack, attack
	for _, f := range r.Profile.Function {
		f.Name, f.Filename = attack, attack
	}
	for _, sample := range r.Profile.Sample {
		for key := range sample.Label {
			sample.Label[key] = []string{attack}
		}
	}
	r.Samples.Notes, r.Samples.Lost = []string{attack}, map[string]uint64{attack: 3}
	r.Samples.Stalls = []profile.Blocked{{Worker: 1, Function: attack, File: attack, Plugin: attack}}
	sum := trace.Summary{Seen: 600, Shown: 300, Notes: []string{attack}, Lost: map[string]uint64{attack: 1}, Removed: map[string]uint64{attack: 300}}
	if err := r.Seen.Summary(sum); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestReportIsOnlyOurs reads pages as a browser does: no element, no attribute and no
// address in them is of a stranger's making, and no character obeys him.
func TestReportIsOnlyOurs(t *testing.T) {
	ours := map[string]bool{}
	for _, e := range strings.Fields("html head meta title style body a p h1 h2 h3 b em span dl div dt dd nav ul li header main section figure figcaption svg rect desc line path text details summary table caption colgroup col thead tbody tr th td footer script g foreignobject input") {
		ours[e] = true
	}
	for name, r := range map[string]*render.Report{"small": smallReport(t), "shop": newShop(1, 1000).report(t), "hostile": hostileReport(t)} {
		page := written(t, r)
		scripts := 0
		z := html.NewTokenizer(strings.NewReader(page))
		for {
			kind := z.Next()
			if kind == html.ErrorToken {
				break
			}
			if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
				continue
			}
			e := z.Token()
			if !ours[strings.ToLower(e.Data)] {
				t.Fatalf("%s: there is an element %q", name, e.Data)
			}
			if e.Data == "script" {
				scripts++
			}
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src" || a.Key == "href" && !strings.HasPrefix(a.Val, "#") {
					t.Fatalf("%s: %s has %s=%q", name, e.Data, a.Key, a.Val)
				}
			}
		}
		if want := 1 + strings.Count(page, `id="flame"`); scripts != want {
			t.Errorf("%s: %d scripts, want %d", name, scripts, want)
		}
		for i, c := range page {
			if c != '\n' && c != '\t' && !unicode.IsGraphic(c) {
				t.Errorf("%s: it has %q: %q", name, c, page[max(i-60, 0):i+20])
				break
			}
		}
		if name == "hostile" && strings.Count(page, "alert(1)") < 100 {
			t.Error("the attack is hardly in the page: the test tests nothing")
		}
	}
}

func TestReportHidesCredentials(t *testing.T) {
	r := newShop(1, 1000).report(t)
	if page := written(t, r); strings.Contains(page, "s3cr3t") || !strings.Contains(page, "***") {
		t.Error("credentials are shown")
	}
	r.Secrets = true
	page := written(t, r)
	for _, shown := range []string{"Bearer s3cr3t", "session=s3cr3t", "api_key=s3cr3t"} {
		if !strings.Contains(page, shown) {
			t.Errorf("%s is hidden where it is asked for", shown)
		}
	}
}

func TestReportTellsTimesByZone(t *testing.T) {
	page := written(t, newShop(1, 100).report(t))
	for _, want := range []string{"UTC+02:00", "22 November 2026, 12:14:45 to 12:16:45", "22 November 2026, 10:14:45 to 10:16:45"} {
		if !strings.Contains(page, strings.ReplaceAll(want, "+", "&#43;")) {
			t.Errorf("the page does not say %s", want)
		}
	}
	if page := written(t, smallReport(t)); strings.Count(page, "<dt>UTC</dt>") != 1 {
		t.Error("UTC is told twice, or not at all")
	}
}

// TestReportBounds feeds more kinds of everything than is kept.
func TestReportBounds(t *testing.T) {
	d := &render.Digest{}
	for i := range 5000 {
		x := refusedExchange()
		x.Start = at(time.Duration(i) * time.Minute)
		x.Names = trace.Names{From: trace.NamesExact, RouteID: fmt.Sprint(i)}
		x.RequestID = fmt.Sprint("id-", i)
		if err := d.Show(x); err != nil {
			t.Fatal(err)
		}
	}
	page := written(t, &render.Report{Seen: d, Window: 5000 * time.Minute})
	if !strings.Contains(page, "4,950 more requests are not in the table") {
		t.Error("the page does not say how many failures are not in it")
	}
	for mark, want := range map[string]int{"Show the first one": 50, "Show it": 50} {
		if n := strings.Count(page, mark); n != want {
			t.Errorf("%d of %q, want %d", n, mark, want)
		}
	}
	if steps := slices.Max([]int{strings.Count(page, `class="hover"`) / 3}); steps > 240 || steps < 100 {
		t.Errorf("%d steps", steps)
	}
}

// TestReportOfARecording keeps a window of 5,000 requests in a file, and makes the same page
// of the file as of the window itself.
func TestReportOfARecording(t *testing.T) {
	s := newShop(1, 5000)
	direct := s.report(t)
	file := filepath.Join(t.TempDir(), "incident.apisixscope")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w, err := replay.NewWriter(f, replay.Manifest{Began: s.began})
	if err != nil {
		t.Fatal(err)
	}
	var events []trace.Event
	for _, x := range s.exchanges {
		events = append(events, trace.Event{Kind: trace.KindExchange, Exchange: x})
	}
	for _, told := range s.workers {
		events = append(events, trace.Event{Kind: trace.KindWorker, Worker: told})
	}
	for i := range events {
		if err := w.Add(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Profile(direct.Profile, &direct.Samples), w.Close(replay.End{Window: shopWindow}), f.Close()); err != nil {
		t.Fatal(err)
	}
	kept, err := replay.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	src, err := kept.Source()
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	seen := &render.Digest{}
	if _, err := (trace.Pipeline{From: src, To: seen}).Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	again := *direct
	again.Began, again.Window, again.Seen, again.Profile, again.Samples = kept.Began, kept.Window, seen, kept.Profile, kept.Samples
	want, got := written(t, direct), written(t, &again)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("a recording of %d bytes makes a page of %d", info.Size(), len(got))
	if got != want {
		for i, line := range strings.Split(got, "\n") {
			if lines := strings.Split(want, "\n"); i >= len(lines) || lines[i] != line {
				t.Fatalf("line %d is\n%s", i, line)
			}
		}
	}
}
