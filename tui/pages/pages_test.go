package pages_test

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/tui"
)

// sizes are those of golden screens: the smallest that is meant to be good, and a wide one.
var sizes = []struct{ width, height int }{{80, 24}, {160, 48}}

// routes is what the Admin API says.
func routes() *tui.Admin {
	return &tui.Admin{
		Routes: []tui.AdminRoute{
			{ID: "17", Name: "orders", Status: "on", URI: "/orders/*", Hosts: "shop.example", Methods: "GET,POST", Upstream: "service/3", Plugins: "key-auth,limit-count"},
			{ID: "18", Name: "checkout\x1b[98J", Status: "off", URI: "/checkout", Hosts: "shop.example", Upstream: "10.0.0.4:80,10.0.0.5:80", Priority: 10},
		},
		Match: func(method, host, uri string, width int) []string {
			return []string{fmt.Sprintf("%s %s%s, in %d columns", method, host, uri, width), "  route 17"}
		},
	}
}

// TestScreens presses keys page by page, and compares what a user sees.
func TestScreens(t *testing.T) {
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size.width, size.height), func(t *testing.T) {
			t.Parallel()
			s := start(t, setting{width: size.width, height: size.height, requests: shop(), messages: []tea.Msg{routes()}})
			s.ready()
			for _, step := range []struct {
				name, keys string
				wait       []string
			}{
				{"requests", "", []string{"/checkout", "TIME↓"}},
				{"requests-down", pageDown + down, []string{"TIME↓"}},
				{"requests-slowest", "s", []string{"TOTAL↓", "900ms"}},
				{"requests-fastest", "S", []string{"TOTAL↑"}},
				{"requests-paused", " ", []string{"paused"}},
				{"filter-wrong", " /status >= 5o", []string{"/status >= 5o"}},
				{"filter-completed", backspace + "00 && upstream_s" + tab, []string{"upstream_status"}},
				{"filter-done", " == 0" + enter, []string{"5 of 200"}},
				{"trace-failed", enter, []string{"refused the connection"}},
				{"filter-gone", esc + esc, []string{"incident.apisixscope"}},
				{"trace-retried", "gsss" + enter, []string{"attempt 2 10.0.0.5:80"}},
				{"trace-headers", "G", []string{"APISIX/3.16.0"}},
				{"trace-older", "n", []string{"owned"}},
				{"admin", ":adm" + enter, []string{"URI", "PLUGINS"}},
				{"admin-match", "m" + ctrlU + "POST shop.example/cart?v=2", []string{"match: POST"}},
				{"admin-answer", enter, []string{"POST shop.example/cart?v=2, in 80 columns"}},
				{"admin-route", esc + enter, []string{`/route == "17"`}},
				{"help", "?", []string{"Everywhere"}},
				{"prompt-name", ":", []string{"admin help profile quit requests routes trace upstreams workers"}},
				{"export", esc + "e", []string{"OTLP", "HAR"}},
				{"exported", "h", []string{"apisixscope-20261122-121445.har"}},
			} {
				s.press(step.keys, step.wait...)
				testrig.Golden(t, fmt.Sprintf("%dx%d/%s.txt", size.width, size.height, step.name), s.Text())
			}
			s.Press(t, "q")
			s.end()
		})
	}
}

// TestNothingObeysTheWire has requests whose parts are escape codes drawn on each page.
func TestNothingObeysTheWire(t *testing.T) {
	evil := routes()
	evil.Routes[0].ID, evil.Routes[0].URI = "\x1b]0;t\x07", "/\x1b[98J"
	s := start(t, setting{
		width: 120, height: 40, requests: shop()[198:199], notes: []string{"\x1b[98Jnote"}, messages: []tea.Msg{evil},
		options: func(o *tui.Options) { o.Title = "\x1b]0;title\x07" },
	})
	s.ready()
	for _, keys := range []string{"", enter, "G", "3", "4", "5", "6", "7", "8", "1/host == \"\x1b[200~\x1b[98J\x1b[201~"} {
		s.press(keys, "1 Requests")
		for _, bad := range []string{"\x1b]0;", "\x1b[98J", "\u009b", "\u202e", "\xff", "\x1b]52;c;ZWNobyBwd25lZAo="} {
			if strings.Contains(s.Raw(), bad) {
				t.Errorf("after %q the terminal got %q", keys, bad)
			}
		}
	}
	s.press(esc)
	s.Press(t, "q")
	s.end()
}

// clipboard is what the program last put there.
func (s *session) clipboard() string {
	all := regexp.MustCompile(`\x1b\]52;c;([A-Za-z0-9+/=]*)`).FindAllStringSubmatch(s.Raw(), -1)
	if all == nil {
		return ""
	}
	b, err := base64.StdEncoding.DecodeString(all[len(all)-1][1])
	if err != nil {
		s.t.Errorf("the clipboard gets no base64: %v", err)
	}
	return string(b)
}

func TestCopy(t *testing.T) {
	s := start(t, setting{width: 80, height: 24, requests: shop()})
	s.ready()
	s.press("y", "is in the clipboard")
	if got, want := s.clipboard(), `curl -X 'POST' --connect-to '::10.0.0.2:9080' 'http://shop.example/checkout' -H 'User-Agent: curl/8.14.1' -H 'Authorization: ***' -H 'X-Tenant: acme'`; got != want {
		t.Errorf("y copies\n%s\nwant\n%s", got, want)
	}
	s.press(down+"y", "is in the clipboard")
	if got := s.clipboard(); strings.ContainsAny(got, "\x1b\r\n\x07") || !strings.Contains(got, `$'http://`) {
		t.Errorf("y copies what a shell or a terminal would obey: %q", got)
	}
	s.press(down+enter+"Y", "as JSON")
	if got := s.clipboard(); !strings.Contains(got, `"url.path":"/search"`) || strings.Contains(got, "geheim") {
		t.Errorf("Y copies %s", got)
	}
}

func TestExport(t *testing.T) {
	s := start(t, setting{width: 80, height: 24, requests: shop()})
	s.ready()
	s.press("eo", "200 requests in apisixscope-20261122-121445.otlp")
	if e := <-s.exports; e.Format != "otlp" || len(e.Requests) != 200 {
		t.Errorf("exported %s of %d requests", e.Format, len(e.Requests))
	}
	s.press(enter+"eh", "the request in")
	if e := <-s.exports; e.Format != "har" || len(e.Requests) != 1 || e.Requests[0].Path != "/checkout" {
		t.Errorf("exported %s of %d requests", e.Format, len(e.Requests))
	}
	s.press("ep", "there is no profile")
}

func TestColours(t *testing.T) {
	for _, tt := range []struct {
		name  string
		env   []string
		want  bool // colours
		light bool
	}{
		{"true colour", []string{"TERM=xterm-256color", "COLORTERM=truecolor"}, true, false},
		{"256 colours", []string{"TERM=xterm-256color"}, true, true},
		{"16 colours", []string{"TERM=xterm"}, true, false},
		{"NO_COLOR", []string{"TERM=xterm-256color", "NO_COLOR=1"}, false, false},
	} {
		s := start(t, setting{width: 80, height: 24, env: tt.env, light: tt.light, requests: shop()})
		s.ready()
		s.press(enter, "attempt 2")
		colour := regexp.MustCompile(`\x1b\[[0-9;]*\b(3[0-7]|38;)[0-9;]*m`)
		if got := colour.MatchString(s.Raw()); got != tt.want {
			t.Errorf("%s: colours: %v, want %v", tt.name, got, tt.want)
		}
		if !regexp.MustCompile(`\x1b\[[0-9;]*7[;m]`).MatchString(s.Raw()) {
			t.Errorf("%s: no row is marked", tt.name)
		}
		s.Press(t, "q")
		s.end()
	}
}

func TestMouse(t *testing.T) {
	s := start(t, setting{width: 80, height: 24, requests: shop()})
	s.ready()
	click := func(x, y int) string { return fmt.Sprintf("\x1b[<0;%d;%dM\x1b[<0;%d;%dm", x+1, y+1, x+1, y+1) }
	s.press(click(20, 5), "1 Requests") // the third row
	s.press(click(20, 5), "/search")
	s.press(click(2, 0), "TIME↓")
	s.press(click(79, 0), "TIME↓")
	s.press(strings.Repeat("\x1b[<65;20;10M", 10), "/orders/2")
	s.lacks("12:15:44")
}

func TestResize(t *testing.T) {
	s := start(t, setting{width: 200, height: 60, requests: shop()})
	s.Wait(t, settled, "\n recording · ", "UPSTREAM NODE", "10.0.0.9:51234")
	for _, size := range []struct {
		width, height int
		want          string
	}{{100, 30, "UPSTREAM"}, {40, 8, "CODE"}, {20, 5, "too small"}, {80, 24, "SOURCE"}} {
		s.Resize(t, size.width, size.height)
		resized(t)
		s.Wait(t, settled, size.want)
		for i, line := range strings.Split(strings.TrimRight(s.Text(), "\n"), "\n") {
			if i >= size.height {
				t.Errorf("%dx%d: there is a line %d", size.width, size.height, i+1)
			}
			if w := text.Width(line); w > size.width {
				t.Errorf("%dx%d: line %d has %d columns", size.width, size.height, i+1, w)
			}
		}
	}
}

func TestLossAndNotes(t *testing.T) {
	s := start(t, setting{width: 80, height: 24, requests: shop()[:3], lost: 1234, notes: []string{"the request object is not known: sockets alone are traced"}})
	s.Wait(t, settled, "lost 1,234 (requests_ring_full)", "1 note: ?")
	s.press("?", "Notes of this window", "sockets alone are traced")
}
