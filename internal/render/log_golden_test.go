package render_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

const sampleTemplate = `template={{.time.Format "15:04:05"}}\t{{.status}} {{.method}} {{.host}}{{.uri}}` +
	` {{seconds .request_time}} {{ms .upstream_time}} {{header "x-tenant"}}{{if .gave_up}} by {{.gave_up}}: {{json .reason}}{{end}}`

func logLines(t *testing.T, format string, o render.LogOptions, all ...*trace.Exchange) string {
	t.Helper()
	var b bytes.Buffer
	host := "gateway-1"
	o.Hostname, o.Version = &host, "v0.0.0-test"
	sink, err := render.Logs(format, &b, o)
	if err != nil {
		t.Fatal(err)
	}
	show(t, sink, all...)
	return b.String()
}

func logFormats() []string { return append(render.LogFormats(), sampleTemplate) }

func TestLogGolden(t *testing.T) {
	all := logs.View{Headers: allHeaders()}
	for _, width := range []int{80, 120, 160} {
		o := render.LogOptions{Options: render.Options{Width: width}}
		testrig.Golden(t, fmt.Sprintf("log-text-%d.txt", width), logLines(t, "text", o, logSamples()...))
	}
	wide := render.Options{Width: 120}
	testrig.Golden(t, "log-headers.txt", logLines(t, "text", render.LogOptions{Options: wide, View: all}, logSamples()...))
	colors := render.LogOptions{Options: render.Options{Width: 120, Color: true}, View: all}
	testrig.Golden(t, "log-color.txt", logLines(t, "text", colors, logged(), loggedGone(), refusedExchange()))
	testrig.Golden(t, "log.json", logLines(t, "json", render.LogOptions{View: all}, logSamples()...))
	testrig.Golden(t, "log-apisix.txt", logLines(t, "apisix", render.LogOptions{}, logSamples()...))
	testrig.Golden(t, "log.har", logLines(t, "har", render.LogOptions{View: all}, logSamples()...))
	testrig.Golden(t, "log-template.txt", logLines(t, sampleTemplate, render.LogOptions{}, logSamples()...))
}

func TestNoLogLineIsWiderThanTheTerminal(t *testing.T) {
	for width := 40; width < 200; width += 3 {
		out := logLines(t, "text", render.LogOptions{Options: render.Options{Width: width}}, logSamples()...)
		for line := range strings.Lines(out) {
			if w := text.Width(strings.TrimSuffix(line, "\n")); w > width {
				t.Errorf("at %d: %d columns: %s", width, w, line)
			}
		}
	}
}

func TestNoControlBytesOfLogsReachTheTerminal(t *testing.T) {
	for _, format := range logFormats() {
		for _, c := range []byte(logLines(t, format, render.LogOptions{View: logs.View{Headers: allHeaders(), Secrets: true}}, logSamples()...)) {
			if c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
				t.Errorf("%s has the byte %#x", format, c)
			}
		}
	}
}

// sesame is planted wherever a secret may be.
const sesame = "open-sesame"

func secretive() *trace.Exchange {
	x := logged()
	head := trace.Head{Seen: true, Fields: []trace.Field{
		{Name: "Location", Value: "https://u:" + sesame + "@h/cb?x=1#access_token=" + sesame}, {Name: "X-Plain", Value: "shown"},
	}}
	for _, name := range []string{"Authorization", "PROXY-AUTHORIZATION", "Cookie", "Set-Cookie", "x-api-key", "apikey", "X-Access-Token", "client-secret", "my-key"} {
		head.Fields = append(head.Fields, trace.Field{Name: name, Value: sesame}, trace.Field{Name: name, Value: "Bearer " + sesame})
	}
	x.Headers = &trace.Headers{Request: head, UpstreamRequest: head, UpstreamResponse: head, Response: head}
	x.Query = "page=2&apikey=" + sesame + "&api_key=" + sesame + "&jwt=" + sesame + "&token=" + sesame + "&access_token=" + sesame + "&api%5Fkey=" + sesame
	x.Logged.Line = "GET " + x.Path + "?" + x.Query + " HTTP/1.1"
	x.Logged.Referer = "https://shop.example/?" + x.Query
	x.Logged.UpstreamURI = x.Path + "?" + x.Query
	return x
}

func TestSecretsAreHiddenInEveryFormat(t *testing.T) {
	unread := secretive()
	unread.Logged = nil
	everything := ""
	for _, f := range logs.FieldList() {
		everything += "{{." + f.Name + "}} "
	}
	for _, f := range logs.FunctionList() {
		everything += "{{" + f.Name + ` "location"}} {{` + f.Name + ` "authorization"}} `
	}
	for _, format := range append(logFormats(), "template="+everything) {
		view := logs.View{Headers: allHeaders()}
		if out := logLines(t, format, render.LogOptions{View: view}, secretive(), unread); strings.Contains(out, sesame) {
			t.Errorf("%s tells a secret:\n%s", format, out)
		} else if !strings.Contains(out, logs.Hidden) {
			t.Errorf("%s does not say that it hides something:\n%s", format, out)
		}
		view.Secrets = true
		if out := logLines(t, format, render.LogOptions{View: view}, secretive(), unread); !strings.Contains(out, sesame) || strings.Contains(out, logs.Hidden) {
			t.Errorf("%s hides what is to be shown:\n%s", format, out)
		}
	}
}

func TestUnknownLogFormatIsMisuse(t *testing.T) {
	_, err := render.Logs("xml", nil, render.LogOptions{})
	if !hint.IsMisuse(err) || !strings.Contains(err.Error(), "apisix, har, json, text, template=TEMPLATE") {
		t.Errorf("Logs(xml) = %v, want a misuse that names the formats", err)
	}
}

func TestTemplateErrors(t *testing.T) {
	for source, want := range map[string]string{
		"{{.status":                    `template: 1: unclosed action`,
		"{{.statuss}}":                 `template: 1:2: there is no field "statuss"`,
		"{{.Status}}":                  `template: 1:2: there is no field "Status"`,
		"a\n{{if $.hots}}{{end}}":      `template: 2:6: there is no field "hots"`,
		"{{range .path}}{{.x}}{{end}}": `template: 1:17: there is no field "x"`,
		"{{hedder \"a\"}}":             `template: 1: function "hedder" not defined`,
		"{{.status.x}}":                `template: 1:9: executing "template" at <.Status.x>: can't evaluate field x in type int`,
	} {
		_, err := render.Logs("template="+source, nil, render.LogOptions{})
		if !hint.IsMisuse(err) || err.Error() != want || !strings.Contains(hint.Of(err), "upstream_time") {
			t.Errorf("%s: %v, want %s", source, err, want)
		}
	}
}

func TestHARIsWhole(t *testing.T) {
	var b bytes.Buffer
	sink, err := render.Logs("har", &b, render.LogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// As after an error: nobody asks for a summary.
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil || !json.Valid(b.Bytes()) {
		t.Errorf("without an entry: %v: %s", err, &b)
	}
	out := logLines(t, "har", render.LogOptions{View: logs.View{Headers: allHeaders()}}, logSamples()...)
	var har struct {
		Log struct {
			Version string
			Creator struct{ Name, Version *string }
			Entries []map[string]any
		}
	}
	if err := json.Unmarshal([]byte(out), &har); err != nil || har.Log.Version != "1.2" || len(har.Log.Entries) != len(logSamples()) {
		t.Fatalf("it is no HAR: %v\n%s", err, out)
	}
	for _, entry := range har.Log.Entries {
		timings := entry["timings"].(map[string]any)
		sum := timings["send"].(float64) + timings["wait"].(float64) + timings["receive"].(float64)
		if total := entry["time"].(float64); sum < total-0.001 || sum > total+0.001 {
			t.Errorf("the parts are %v, the whole %v", sum, total)
		}
		for object, needed := range map[string]string{
			"":         "startedDateTime time request response cache timings",
			"request":  "method url httpVersion cookies headers queryString headersSize bodySize",
			"response": "status statusText httpVersion cookies headers content redirectURL headersSize bodySize",
		} {
			o := entry
			if object != "" {
				o = entry[object].(map[string]any)
			}
			for name := range strings.FieldsSeq(needed) {
				if _, ok := o[name]; !ok {
					t.Errorf("%s lacks %s: %v", object, name, o)
				}
			}
		}
	}
}
