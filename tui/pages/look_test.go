package pages_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/trace"
	"github.com/apisixscope/apisixscope/tui"
	"github.com/apisixscope/apisixscope/tui/pages"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// TestFrameColours has a terminal get no more colours than it has, and frames be told apart
// where there are none.
func TestFrameColours(t *testing.T) {
	for _, tt := range []struct {
		name  string
		env   []string
		light bool
		want  string // how frames of the kernel are coloured
	}{
		{"true colour", []string{"TERM=xterm-256color", "COLORTERM=truecolor"}, false, `48;2;\d+;\d+;\d+m`},
		{"true colour, light", []string{"TERM=xterm-256color", "COLORTERM=truecolor"}, true, `48;2;242;173;149m`},
		{"256 colours", []string{"TERM=xterm-256color"}, false, `48;5;88m`},
		{"256 colours, light", []string{"TERM=xterm-256color"}, true, `48;5;216m`},
		{"16 colours", []string{"TERM=xterm"}, false, `;41m`},
		{"NO_COLOR", []string{"TERM=xterm-256color", "NO_COLOR=1"}, false, ""},
	} {
		s := start(t, setting{width: 80, height: 24, env: tt.env, light: tt.light, requests: shop()[:3], messages: []tea.Msg{sampled()}})
		s.ready()
		s.press("6", "K __x64_")
		colour := regexp.MustCompile(`\x1b\[[0-9;]*\b(4[0-7]|48;[0-9;]*)m`)
		switch {
		case tt.want == "" && colour.MatchString(s.Raw()):
			t.Errorf("%s: there are colours", tt.name)
		case tt.want != "" && !regexp.MustCompile(tt.want).MatchString(s.Raw()):
			t.Errorf("%s: %s is not written", tt.name, tt.want)
		case strings.Contains(s.Text(), "K __x64_…#") != (tt.want == ""):
			t.Errorf("%s: frames are filled with letters where there are colours, or not where there are none:\n%s", tt.name, s.Text())
		}
		s.Press(t, "q")
		s.end()
	}
}

// TestProfileGrows has a live profile grow under the eyes of a user.
func TestProfileGrows(t *testing.T) {
	b := profile.NewBuilder(profile.Options{Kind: profile.CPU, Period: testrig.SamplePeriod})
	s, page, z := &tui.State{Window: tui.Window{Live: true}}, pages.NewProfile(), tui.Size{Width: 80, Height: 20}
	add := func(n int) string {
		for i, sample := range testrig.Samples() {
			if i < n {
				sample.Label()
				b.Add(&sample)
			}
		}
		s.Profile.Profile, s.Profile.Summary = b.Peek(testrig.SamplesBegan, time.Second)
		return ansi.Strip(strings.Join(page.View(s, z), "\n"))
	}
	if got := page.View(s, z); !strings.Contains(ansi.Strip(strings.Join(got, "")), "no profile yet") {
		t.Errorf("without a profile there is %q", got)
	}
	if got := add(0); !strings.Contains(got, "used no CPU") {
		t.Errorf("of no sample it tells\n%s", got)
	}
	add(1)
	if got := add(300); !strings.Contains(got, "\n ngx_epoll_process_events  ") {
		t.Errorf("nobody has chosen a frame, and it does not begin where stacks part:\n%s", got)
	}
	page.Update(s, pressOf("down"))
	page.Update(s, pressOf("down"))
	page.Update(s, pressOf("enter"))
	const zoomed = "\n ngx_http_lua_access_handler  "
	if got := add(300); !strings.Contains(got, zoomed) || !strings.Contains(got, "Esc zooms out") || !strings.Contains(got, " 601 samples") {
		t.Errorf("what was zoomed into is lost:\n%s", got)
	}
	s.Paused = true
	if got := add(300); !strings.Contains(got, zoomed) || !strings.Contains(got, " 601 samples") || !strings.Contains(got, " 6.01s of CPU") {
		t.Errorf("it does not stand still while it is paused:\n%s", got)
	}
	if !page.Back() || page.Back() {
		t.Error("Esc does not lead out of the one zoom")
	}
}

// TestPausedSums has the pages that sum up stand still, and count all the same.
func TestPausedSums(t *testing.T) {
	var feed *tui.Feed
	s := stateOf(t, func(f *tui.Feed) { feed = f; feedMall(f) })
	z := tui.Size{Width: 160, Height: 40}
	for _, page := range []tui.Page{pages.NewRoutes(), pages.NewUpstreams(), pages.NewWorkers()} {
		s.Paused = true
		before := strings.Join(page.View(s, z), "\n") // the first draw is of what there is
		for range 500 {
			x := served(began.Add(90*time.Second), "/more", 3*ms)
			if err := feed.Show(x); err != nil {
				t.Fatal(err)
			}
			_ = feed.Worker(&trace.Worker{PID: 4131, Time: began.Add(91 * time.Second), Span: time.Second, CPU: -1}) // it cannot fail
		}
		if got := strings.Join(page.View(s, z), "\n"); got != before {
			t.Errorf("%s changes while it is paused", page.Name())
		}
		s.Paused = false
		if got := strings.Join(page.View(s, z), "\n"); got == before {
			t.Errorf("%s does not go on", page.Name())
		}
	}
}

// TestCursorStaysOnItsRow has rows change their order under the cursor.
func TestCursorStaysOnItsRow(t *testing.T) {
	var feed *tui.Feed
	s := stateOf(t, func(f *tui.Feed) { feed = f; feedMall(f) })
	page, z := pages.NewRoutes(), tui.Size{Width: 100, Height: 30}
	page.View(s, z)
	page.Update(s, pressOf("down"))
	page.Update(s, pressOf("down"))
	for range 4000 {
		x := served(began.Add(90*time.Second), "/more", 3*ms)
		route(x, "99", "newcomer", "10.0.0.5:80")
		if err := feed.Show(x); err != nil {
			t.Fatal(err)
		}
	}
	lines := page.View(s, z)
	if !strings.HasPrefix(ansi.Strip(lines[1]), "newcomer") || !strings.HasPrefix(lines[4], "\x1b["+string(parts.Chosen)+"msearch") {
		t.Errorf("the cursor is not on search any more:\n%s", strings.Join(lines, "\n"))
	}
}
