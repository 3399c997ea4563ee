package check

import (
	"bufio"
	"encoding/json"
	"strings"
	"testing"
)

// hostile is a report of what strangers and files may say.
func hostile() *Report {
	return &Report{
		Plan: &Plan{Name: "a,b:c%\n.yaml"}, Lost: map[string]uint64{"ring full": 3, "a": 1},
		Results: []Result{
			{Check: "x\x1b[2J: y, z", Line: 7, Asked: "json a == 1%\n::error::forged", State: Failed, Why: "it was \"\u202e\r\n::stop-commands::x\""},
			{Check: "x", Line: 8, Asked: "b", State: Unjudged, Why: "c"}, {Check: "x", Line: 9, Asked: "d", State: Held, Measured: "\u009b31m"},
		},
	}
}

// TestWriteHostile lets nothing out that a terminal or GitHub obeys.
func TestWriteHostile(t *testing.T) {
	for _, format := range Formats() {
		var b strings.Builder
		if err := Write(&b, format, hostile()); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(b.String(), "\x1b\r\u009b\u202e") {
			t.Errorf("%s: %q", format, &b)
		}
		if format != "github" {
			continue
		}
		want := `::error file=a%2Cb%3Ac%25%0A.yaml,line=7,title=x\x1b[2J%3A y%2C z::json a == 1%25\x0a::error::forged: it was "\u{202e}\x0d\x0a::stop-commands::x"
::warning file=a%2Cb%3Ac%25%0A.yaml,line=8,title=x::b: c
3 assertions: 1 held, 1 failed, 1 not judged; events were lost: a 1, ring full 3
`
		if b.String() != want {
			t.Errorf("got %s\nwant %s", &b, want)
		}
	}
}

func TestWriteJSON(t *testing.T) {
	var b strings.Builder
	r := hostile()
	r.Blind = "no \x1b rights"
	if err := Write(&b, "json", r); err != nil {
		t.Fatal(err)
	}
	var lines []map[string]any
	for in := bufio.NewScanner(strings.NewReader(b.String())); in.Scan(); {
		var line map[string]any
		if err := json.Unmarshal(in.Bytes(), &line); err != nil {
			t.Fatalf("%v: %s", err, in.Text())
		}
		lines = append(lines, line)
	}
	if len(lines) != 4 || lines[0]["why"] != r.Results[0].Why || lines[0]["asked"] != r.Results[0].Asked || lines[0]["line"] != 7.0 {
		t.Errorf("%v", lines)
	}
	if last := lines[3]; last["type"] != "summary" || last["blind"] != r.Blind || last["lost"].(map[string]any)["ring full"] != 3.0 || last["not_judged"] != 1.0 {
		t.Errorf("%v", last)
	}
}
