package render_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReportShots makes pictures of a page for people to look at, as "make report-shots" does: in
// light and dark, wide and narrow, with everything open, and as it is printed.
func TestReportShots(t *testing.T) {
	dir := os.Getenv("APISIXSCOPE_SHOTS")
	if dir == "" {
		t.Skip("make report-shots makes the pictures")
	}
	page := written(t, newShop(1, 5000).report(t))
	if of := os.Getenv("APISIXSCOPE_SHOTS_OF"); of != "" {
		own, err := os.ReadFile(of)
		if err != nil {
			t.Fatal(err)
		}
		page = string(own)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	closed, open := filepath.Join(dir, "report.html"), filepath.Join(dir, "report-open.html")
	for file, text := range map[string]string{closed: page, open: strings.ReplaceAll(page, "<details>", "<details open>")} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, args ...string) {
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	browser := []string{"--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir=" + t.TempDir()}
	shoot := func(file, name string, width, height int, more ...string) {
		picture := filepath.Join(dir, name)
		run("chromium", append(append(browser, fmt.Sprintf("--window-size=%d,%d", width, height), "--screenshot="+picture), append(more, "file://"+file)...)...)
		t.Log(picture)
	}
	for scheme, flag := range map[string]string{"light": "--blink-settings=preferredColorScheme=1", "dark": "--blink-settings=preferredColorScheme=0"} {
		shoot(closed, scheme+"-1280.png", 1280, 7600, flag)
		shoot(closed, scheme+"-390.png", 390, 9600, flag)
		shoot(open, scheme+"-open-1280.png", 1280, 3600, flag)
		shoot(open, scheme+"-open-390.png", 390, 4200, flag)
	}
	pdf := filepath.Join(dir, "print.pdf")
	run("chromium", append(browser, "--no-pdf-header-footer", "--print-to-pdf="+pdf, "file://"+closed)...)
	run("pdftoppm", "-r", "60", "-png", pdf, filepath.Join(dir, "print"))
	t.Log(pdf)
}
