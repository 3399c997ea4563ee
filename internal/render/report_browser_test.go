package render_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// reportScript uses a report as a person does, and writes what it sees where the test finds it.
const reportScript = `
(function () {
	var out = {}, failures = document.getElementById("t-failures"), flame = document.getElementById("flame");
	function cells(n) { return Array.from(failures.tBodies).filter(function (b) { return !b.hidden; }).map(function (b) { return b.rows[0].cells[n].textContent; }); }
	function sorted(all, order) { return all.every(function (v, i) { return i === 0 || order(all[i - 1], v) <= 0; }); }
	function number(s) { return parseInt(s.replace(/,/g, ""), 10); }
	function press(n) { failures.tHead.rows[0].cells[n].querySelector("button").click(); return failures.tHead.rows[0].cells[n].getAttribute("aria-sort"); }
	out.first = press(0);
	out.descending = sorted(cells(0), function (a, b) { return number(b) - number(a); });
	out.second = press(0);
	out.ascending = sorted(cells(0), function (a, b) { return number(a) - number(b); });
	out.words = press(2);
	out.alphabetic = sorted(cells(2), function (a, b) { return a.localeCompare(b, "en", {numeric: true}); });
	out.one = failures.querySelectorAll("[aria-sort]").length;
	out.whole = Array.from(failures.tBodies).every(function (b) { return b.rows.length === 2 && b.rows[1].className === "more"; });
	var box = failures.parentNode.previousElementSibling, input = box.querySelector("input");
	input.value = "Refused CHECKOUT";
	input.dispatchEvent(new Event("input"));
	out.filtered = cells(2).join("|");
	out.told = box.querySelector("output").textContent;
	input.value = "";
	input.dispatchEvent(new Event("input"));
	out.back = cells(2).length === failures.tBodies.length && box.querySelector("output").textContent === "";
	function closed() { return document.querySelectorAll(".more > td > details:not([open])").length; }
	var before = closed();
	window.dispatchEvent(new Event("beforeprint"));
	out.printed = closed();
	window.dispatchEvent(new Event("afterprint"));
	out.closed = before > 20 && closed() === before;
	document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "/", bubbles: true}));
	out.slash = document.activeElement.id;
	flame.dispatchEvent(new KeyboardEvent("keydown", {key: "/", bubbles: true}));
	out.search = document.activeElement.id;
	out.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
	out.resources = performance.getEntriesByType("resource").length;
	out.foreign = document.querySelectorAll("img, iframe, link, object, embed, a[href]:not([href^='#'])").length;
	out.unnamed = Array.from(document.querySelectorAll("svg[role=img]")).filter(function (e) { return !e.getAttribute("aria-label") && !e.getAttribute("aria-labelledby"); }).length;
	out.ids = document.querySelectorAll("[id]").length - new Set(Array.from(document.querySelectorAll("[id]")).map(function (e) { return e.id; })).size;
	document.documentElement.setAttribute("data-seen", JSON.stringify(out));
})();
`

// visit is what a browser did with a page.
type visit struct {
	dom     string
	console []string // what it said there
	asked   []string // addresses that it wanted to load
}

// browse opens a page from a file. It needs Chromium.
func browse(t *testing.T, page string, flags ...string) visit {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium here")
	}
	dir := t.TempDir()
	file, log := filepath.Join(dir, "report.html"), filepath.Join(dir, "net.json")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=" + filepath.Join(dir, "user"), "--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--no-first-run",
		"--enable-logging=stderr", "--log-net-log=" + log, "--virtual-time-budget=3000", "--window-size=1280,900", "--dump-dom",
	}, flags...)
	cmd := exec.Command(browser, append(args, "file://"+file)...)
	var said strings.Builder
	cmd.Stderr = &said
	dom, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	v := visit{dom: string(dom), console: regexp.MustCompile(`(?m)^.*CONSOLE.*$`).FindAllString(said.String(), -1)}
	net, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	// An event is a line. What the browser asks for itself has no origin.
	for _, m := range regexp.MustCompile(`(?m)^.*"initiator":"([^"]*)".*"url":"([^"]*)".*$`).FindAllStringSubmatch(string(net), -1) {
		if m[1] != "not an origin" && !strings.HasPrefix(m[2], "file://") {
			v.asked = append(v.asked, m[2])
		}
	}
	return v
}

// with adds a script to a page, and the right to run it.
func with(page, script string) string {
	sum := sha256.Sum256([]byte(script))
	page = strings.Replace(page, "script-src ", "script-src &#39;sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"&#39; ", 1)
	return strings.Replace(page, "</body>", "<script>"+script+"</script></body>", 1)
}

func TestReportInBrowser(t *testing.T) {
	page := written(t, newShop(1, 5000).report(t))
	for _, width := range []int{1280, 390} {
		v := browse(t, with(page, reportScript), fmt.Sprintf("--window-size=%d,900", width))
		if len(v.console) > 0 || len(v.asked) > 0 {
			t.Errorf("console: %q, asked for: %q", v.console, v.asked)
		}
		m := regexp.MustCompile(`data-seen="([^"]*)"`).FindStringSubmatch(v.dom)
		if m == nil {
			t.Fatal("the script did not come to its end")
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(html.UnescapeString(m[1])), &got); err != nil {
			t.Fatal(err)
		}
		for k, want := range map[string]any{
			"first": "descending", "descending": true, "second": "ascending", "ascending": true, "words": "ascending", "alphabetic": true, "one": 1.0, "whole": true,
			"filtered": "node " + shopBad + " refused the connection", "back": true, "printed": 0.0, "closed": true, "slash": "", "search": "search",
			"overflow": 0.0, "resources": 0.0, "foreign": 0.0, "unnamed": 0.0, "ids": 0.0,
		} {
			if got[k] != want {
				t.Errorf("at %d pixels %s is %v, want %v", width, k, got[k], want)
			}
		}
		if told, _ := got["told"].(string); !strings.HasPrefix(told, "1 of ") {
			t.Errorf("the filter says %q", told)
		}
	}
}

// TestReportOfHostilesInBrowser runs nothing of theirs; and the same page would, were it not
// for its policy and for what is escaped.
func TestReportOfHostilesInBrowser(t *testing.T) {
	const mark = `document.documentElement.setAttribute("data-scripts", document.querySelectorAll('script').length); document.documentElement.setAttribute("data-images", document.images.length)`
	v := browse(t, with(written(t, hostileReport(t)), mark))
	if len(v.console) > 0 || len(v.asked) > 0 || !strings.Contains(v.dom, `data-scripts="3"`) || !strings.Contains(v.dom, `data-images="0"`) {
		t.Errorf("console: %q, asked for: %q\n%s", v.console, v.asked, v.dom[:min(len(v.dom), 600)])
	}
	if !strings.Contains(v.dom, "alert(1)") {
		t.Error("the attack is not in the page")
	}
}

// TestBrowserSeesWhatIsWrong proves that the tests above would.
func TestBrowserSeesWhatIsWrong(t *testing.T) {
	page := written(t, smallReport(t))
	planted := strings.Replace(page, "</body>", `<script>document.title = "ran"</script><img src="http://127.0.0.1:1/x.png"></body>`, 1)
	v := browse(t, planted)
	if strings.Contains(v.dom, "<title>ran") || len(v.asked) > 0 {
		t.Error("the policy lets a stranger's script run, or his image load")
	}
	if said := strings.Join(v.console, "\n"); strings.Count(said, "Content Security Policy") < 2 {
		t.Errorf("the console says %q", said)
	}
	open := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`).ReplaceAllString(planted, "")
	if v := browse(t, open); !strings.Contains(v.dom, "<title>ran") || len(v.asked) == 0 {
		t.Errorf("without the policy: asked for %q", v.asked)
	}
}
