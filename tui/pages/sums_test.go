package pages_test

import (
	"fmt"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// Arrows as terminals send them.
const (
	up, right, left = "\x1b[A", "\x1b[C", "\x1b[D"
)

// TestSumScreens presses the keys of the pages that sum up, and compares what a user sees.
func TestSumScreens(t *testing.T) {
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size.width, size.height), func(t *testing.T) {
			t.Parallel()
			s := start(t, setting{width: size.width, height: size.height, requests: mall(), workers: crew(), messages: []tea.Msg{sampled()}})
			s.ready()
			for _, step := range []struct {
				name, keys string
				wait       []string
			}{
				{"routes", "3", []string{"── orders (17)", "REQ/S↓"}},
				{"routes-errors", "s", []string{"── checkout (18)", "ERR↓"}},
				{"routes-down", down, []string{"── (no route)"}},
				{"routes-p99", "sssS", []string{"P99↑", "route\\xff ("}},
				{"routes-filter", "g" + enter, []string{"/route ==", "1 of 1,801"}},
				{"upstreams", "4", []string{"── 10.0.0.5:80", "TRY/S↓"}},
				{"upstreams-failing", "s", []string{"── 10.0.1.7:8080", "FAIL↓"}},
				{"upstreams-filter", enter, []string{"/\", \" + upstreams", "450 of 1,801"}},
				{"workers", "5", []string{"ticks of worker 4131", "PID↑"}},
				{"workers-longest", "sss", []string{"ticks of worker 4132", "LONGEST↓"}},
				{"workers-down", down, []string{"ticks of worker 4131", "LONGEST↓"}},
				{"workers-filter", enter, []string{"/worker == 4131", "661 of 1,801"}},
				{"profile", "6", []string{"3.53s of CPU"}},
				{"profile-root", "g", []string{"cum 100%"}},
				{"profile-right", strings.Repeat(down, 9) + right + strings.Repeat(down, 4), []string{"_M.http_log_phase  apisix/init.lua:920\n"}},
				{"profile-search", "/observe" + enter, []string{"/observe  14.2% of what is shown, in 1 frame "}},
				{"profile-next", "n", []string{"cum 14.2%"}},
				{"profile-prior", "kkjN", []string{"cum 14.2%"}},
				{"profile-zoom", left + enter, []string{"cum 53.8%", "Esc zooms out"}},
				{"profile-out", esc + esc, []string{"3.53s of CPU", "cum 53.8%"}},
				{"profile-inverted", "gi", []string{"= all\n all\n cum 100%"}},
				{"profile-plugin", "b" + up, []string{"by plugin", "limit-count\n cum"}},
				{"profile-phase", "b" + up + right, []string{"by phase", "(no phase)\n cum"}},
				{"profile-route", "bi" + down + right + right, []string{"by route", " 2\n cum"}},
			} {
				s.press(step.keys, step.wait...)
				testrig.Golden(t, fmt.Sprintf("%dx%d/%s.txt", size.width, size.height, step.name), s.Text())
			}
			s.Press(t, "q")
			s.end()
		})
	}
}
