package apisix

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// planted are values with secrets that begin with "sesame", and things that are none.
var planted = []struct {
	kind  Kind
	value string
	kept  []string // must stay readable
}{
	{Consumers, `{"username":"jack","plugins":{
		"key-auth":{"key":"sesame1"},"basic-auth":{"username":"jack","password":"sesame2"},
		"jwt-auth":{"key":"sesame3","secret":"sesame4","private_key":"-----BEGIN RSA PRIVATE KEY-----\nsesame5\n","public_key":"-----BEGIN PUBLIC KEY-----\nfine"},
		"hmac-auth":{"access_key":"sesame6","secret_key":"sesame7","key_id":"sesame8"}}}`, []string{"jack", "BEGIN PUBLIC KEY"}},
	{Routes, `{"uri":"/a","plugins":{
		"openid-connect":{"client_id":"app","client_secret":"sesame1","session":{"secret":"sesame2"},"discovery":"https://u:sesame3@idp.example/.well-known"},
		"limit-count":{"key":"remote_addr","policy":"redis","redis_password":"sesame4"},
		"csrf":{"key":"sesame5"},
		"http-logger":{"uri":"http://logs.example/in?token=sesame6&x=1","auth_header":"Basic sesame7"},
		"kafka-logger":{"brokers":[{"host":"k","sasl_config":{"user":"me","password":"sesame8"}}]},
		"elasticsearch-logger":{"auth":{"username":"e","password":"sesame9"}},
		"proxy-rewrite":{"headers":{"set":{"Authorization":"Bearer sesame10","X-Api-Key":"sesame11","X-Plain":"Bearer sesame12"},"add":["X-Secret: sesame13"]}},
		"ai-proxy":{"auth":{"header":{"x":"sesame14"},"query":{"k":"sesame15"}}},
		"aws-lambda":{"authorization":{"apikey":"sesame16","iam":{"accesskey":"sesame17","secretkey":"sesame18"}}},
		"splunk-hec-logging":{"endpoint":{"uri":"https://s.example","token":"sesame19"}},
		"loggly":{"customer_token":"sesame20"},"google-cloud-logging":{"auth_config":{"private_key":"sesame21"}},
		"proxy-cache":{"cache_key":["$uri","-cache-id"]},
		"serverless-pre-function":{"functions":["return function() end"]},
		"openfunction":{"authorization":{"service_token":"sesame22:x"}},
		"fault-injection":{"abort":{"body":"Bearer sesame23="}},
		"x":{"list":[{"name":"api_key","value":"sesame24"}],"numeric_token":12345678901}},
		"vars":[["http_x_api_key","==","sesame25"],["arg_token","!","in","sesame26"],["arg_name","==","json"]],
		"upstream":{"type":"chash","key":"remote_addr","nodes":{"a:1":1},"tls":{"client_cert":"pem","client_key":"sesame27"}}}`,
		[]string{"app", "remote_addr", "$uri", "-cache-id", "json", "idp.example", "logs.example", "return function() end", `"x=1`[1:]}},
	{SSLs, `{"id":"1","cert":"-----BEGIN CERTIFICATE-----","key":"sesame1","keys":["sesame2","sesame3"],"snis":["a.example"]}`, []string{"BEGIN CERTIFICATE", "a.example"}},
	{Secrets, `{"uri":"http://vault.example","prefix":"kv/apisix","token":"sesame1","access_key_id":"sesame2","secret_access_key":"sesame3","session_token":"sesame4"}`, []string{"vault.example", "kv/apisix"}},
	{PluginMetadata, `{"id":"error-log-logger","clickhouse":{"password":"sesame1","endpoint_addr":"http://c"},"key":"sesame2"}`, []string{"http://c"}},
	{Upstreams, `{"nodes":[],"key":"arg_id","discovery_type":"consul","service_name":"a"}`, []string{"arg_id"}},
	{Consumers, `{"plugins":{"key-auth":{"key":"$secret://vault/1/jack/key"},"basic-auth":{"password":"$ENV://PW"}}}`, []string{"$secret://vault/1/jack/key", "$ENV://PW"}},
}

func TestSecretsAreHidden(t *testing.T) {
	for _, p := range planted {
		r := Resource{Kind: p.kind, ID: "1", Key: "/apisix/x/1", Raw: []byte(p.value)}
		doc, err := YAML(r.Envelope(false))
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []string{string(r.JSON(false)), string(r.Envelope(false)), string(doc)} {
			if i := strings.Index(got, "sesame"); i >= 0 {
				t.Errorf("%s: %s", p.kind, got[max(0, i-60):min(len(got), i+20)])
			}
			for _, word := range p.kept {
				if !strings.Contains(got, word) {
					t.Errorf("%s: %q is gone from %s", p.kind, word, got)
				}
			}
			if strings.Contains(got, "12345678901") {
				t.Errorf("%s: a number is not hidden", p.kind)
			}
		}
		if !json.Valid(r.Envelope(false)) || !json.Valid(r.Envelope(true)) {
			t.Errorf("%s: not JSON: %s", p.kind, r.Envelope(false))
		}
		if n := strings.Count(p.value, "sesame"); strings.Count(string(r.JSON(true)), "sesame") != n {
			t.Errorf("%s: secrets are hidden although they were asked for", p.kind)
		}
	}
}

func TestJSONKeepsOrderAndMeaning(t *testing.T) {
	const in = `{ "b" : [ 1.50 , -2e3, true, null, "x\u001b\/é" ], "a":{}, "c":[] }`
	r := Resource{Kind: Routes, ID: "1", Raw: []byte(in)}
	if got, want := string(r.JSON(false)), `{"b":[1.50,-2e3,true,null,"x\u001b\/é"],"a":{},"c":[]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNothingThatATerminalObeysGetsOut(t *testing.T) {
	raw := "{\"a\u009b\":\"x\u202ey\u007f\xff\U000e0041\",\"m\":\"two\\nlines\",\"n\":\"007\",\"o\":\"no\",\"p\":\"\\ud83d\\ude00\"}"
	r := Resource{Kind: Routes, ID: "a\x1b[31m\"b\\", Key: "/apisix/routes/\u202e", Raw: []byte(raw)}
	doc, err := YAML(r.Envelope(false))
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{string(r.Envelope(false)), string(doc)} {
		for _, c := range got {
			if c != '\n' && !unicode.IsGraphic(c) {
				t.Errorf("%U in %s", c, got)
			}
		}
	}
	var fromJSON, fromYAML map[string]any
	if err := json.Unmarshal(r.Envelope(false), &fromJSON); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(doc, &fromYAML); err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	a, _ := json.Marshal(fromJSON)
	b, _ := json.Marshal(fromYAML)
	if string(a) != string(b) {
		t.Errorf("JSON and YAML differ:\n%s\n%s", a, b)
	}
}

func FuzzJSON(f *testing.F) {
	for _, p := range planted {
		f.Add(p.value)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !json.Valid([]byte(s)) || !strings.HasPrefix(strings.TrimSpace(s), "{") {
			return
		}
		r := Resource{Kind: Routes, ID: s, Raw: []byte(s)}
		for _, out := range [][]byte{r.JSON(true), r.JSON(false), r.Envelope(false)} {
			if !json.Valid(out) {
				t.Errorf("%q becomes %q", s, out)
			}
		}
		if _, err := YAML(r.Envelope(false)); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	})
}
