package render_test

import (
	"encoding/json"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// flameScript uses a flame graph as a person does, and writes what it sees where the test
// finds it.
const flameScript = `
(function () {
	var graph = document.getElementById("flame"), out = {};
	function key(k, on) { (on || graph).dispatchEvent(new KeyboardEvent("keydown", {key: k, bubbles: true})); }
	function text(id) { return document.getElementById(id).textContent; }
	function frame(words) {
		return Array.from(graph.querySelectorAll("svg.f")).find(function (f) { return f.querySelector("title").textContent.includes(words); });
	}
	function click(e) { e.querySelector("rect").dispatchEvent(new MouseEvent("click", {bubbles: true})); }
	function find(words) {
		var s = document.getElementById("search");
		s.value = words;
		s.dispatchEvent(new Event("input"));
		return text("matched");
	}
	out.frames = graph.querySelectorAll("svg.f").length;
	out.foreign = document.querySelectorAll("b, img, iframe").length;
	out.scripts = document.querySelectorAll("script").length;
	out.plugin = find("plugins/limit-count");
	out.nested = find("walk|limit");
	out.none = find("no such frame");
	out.wrong = find("(");
	out.again = find("plugins/limit-count");
	click(frame("_M.access "));
	out.zoomed = frame("_M.access ").getAttribute("width");
	out.within = text("matched");
	out.hidden = frame("tcp_sendmsg").classList.contains("hidden");
	out.below = frame("_start").classList.contains("below");
	out.reset = text("reset");
	key("Escape");
	out.cleared = text("matched");
	key("Escape");
	out.whole = frame("_M.access ").getAttribute("width");
	key("ArrowDown");
	out.first = text("info");
	key("ArrowDown");
	key("ArrowDown");
	out.down = text("info");
	key("ArrowUp");
	out.up = text("info");
	key("ArrowRight");
	out.right = text("info");
	key("Enter");
	out.entered = frame("foo ").getAttribute("width");
	key("Escape");
	key("/");
	out.focus = document.activeElement.id;
	document.documentElement.setAttribute("data-seen", JSON.stringify(out));
})();
`

// TestFlameInBrowser opens both forms of the flame graph from a file. It needs Chromium.
func TestFlameInBrowser(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium here")
	}
	for name, format := range map[string]string{"flame.svg": "flame", "flame.html": "flame.html"} {
		page := drawn(t, format, options(0, ""), cpuProfile)
		i := strings.LastIndex(page, "</svg>")
		page = page[:i] + "<script><![CDATA[" + flameScript + "]]></script>" + page[i:]
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--window-size=1280,900", "--virtual-time-budget=2000", "--dump-dom", "file://"+file)
		dom, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v", cmd.Args, err)
		}
		m := regexp.MustCompile(`data-seen="([^"]*)"`).FindSubmatch(dom)
		if m == nil {
			t.Fatalf("%s: the script did not come to its end", name)
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(html.UnescapeString(string(m[1]))), &got); err != nil {
			t.Fatal(err)
		}
		for k, want := range map[string]any{
			"frames": float64(strings.Count(page, `<svg class="f `)), "foreign": 0.0, "scripts": 2.0,
			"plugin": "matched: 32.3%, 2 frames", "nested": "matched: 32.6%, 202 frames", "none": "matched: 0.0%, 0 frames", "wrong": "not a regular expression",
			"again": "matched: 32.3%, 2 frames", "zoomed": "100%", "within": "matched: 100.0%, 2 frames", "hidden": true, "below": true, "reset": "show all",
			"cleared": "", "whole": "32.2946%", "first": "all — 100%, 3.53s", "down": "__libc_start_main — 97.7%, 3.45s, native, /lib/x86_64-linux-gnu/libc.so.6",
			"up":    "_start — 97.7%, 3.45s, native, /usr/local/openresty/nginx/sbin/nginx",
			"right": "[no unwind row: libfoo.so] — 2.3%, 80.0ms, not known", "entered": "100%", "focus": "search",
		} {
			if got[k] != want {
				t.Errorf("%s: %s is %v, want %v", name, k, got[k], want)
			}
		}
	}
}
