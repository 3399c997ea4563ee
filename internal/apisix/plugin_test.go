package apisix

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/apisixscope/apisixscope/internal/hint"
)

// Whatever is not meant stays as it is, to the digit and in its order.
func TestEnableAndDisableTouchThePluginAlone(t *testing.T) {
	for _, tt := range []struct {
		name, value, conf string
		old               bool
		enabled, disabled string
	}{
		{
			name: "absent", value: `{"z":1.50,"plugins":{"a.b":{}},"big":12345678901234567890}`,
			enabled: `{"z":1.50,"plugins":{"a.b":{},"p":{}},"big":12345678901234567890}`,
		},
		{name: "no plugins", value: `{"uri":"\/a"}`, conf: `{"n":1e3}`, enabled: `{"uri":"\/a","plugins":{"p":{"n":1e3}}}`},
		{name: "an empty array of Lua", value: `{"plugins":[]}`, enabled: `{"plugins":{"p":{}}}`},
		{
			name: "off", value: `{"plugins":{"p":{"_meta":{"disable":true},"n":1}}}`,
			enabled: `{"plugins":{"p":{"n":1}}}`, disabled: `{"plugins":{"p":{"_meta":{"disable":true},"n":1}}}`,
		},
		{
			name: "off with more", value: `{"plugins":{"p":{"_meta":{"priority":9,"disable":true}},"q":{}}}`,
			enabled: `{"plugins":{"p":{"_meta":{"priority":9}},"q":{}}}`, disabled: `{"plugins":{"p":{"_meta":{"priority":9,"disable":true}},"q":{}}}`,
		},
		{
			name: "on", value: `{"plugins":{"p":{"n":1}}}`, conf: `{"m":2}`,
			enabled: `{"plugins":{"p":{"m":2}}}`, disabled: `{"plugins":{"p":{"n":1,"_meta":{"disable":true}}}}`,
		},
		{
			name: "of 2.x", old: true, value: `{"plugins":{"p":{"n":1,"disable":true}}}`,
			enabled: `{"plugins":{"p":{"n":1}}}`, disabled: `{"plugins":{"p":{"n":1,"disable":true}}}`,
		},
	} {
		h := &Holder{Resource: Resource{Raw: []byte(tt.value)}, old: tt.old}
		var conf []byte
		if tt.conf != "" {
			conf = []byte(tt.conf)
		}
		if got := string(h.enabled("p", conf)); got != tt.enabled {
			t.Errorf("%s: enabled it is %s, want %s", tt.name, got, tt.enabled)
		}
		if tt.disabled == "" {
			continue
		}
		if got := string(h.disabled("p")); got != tt.disabled {
			t.Errorf("%s: disabled it is %s, want %s", tt.name, got, tt.disabled)
		}
	}
}

func TestDifferences(t *testing.T) {
	for _, tt := range []struct{ a, b, want string }{
		{`{"a":1,"b":[]}`, `{"b":{},"a":1.0}`, ""},
		{`{"a":"\u0041\/"}`, `{"a":"A/"}`, ""},
		{`{"a":1}`, `{"a":"1"}`, "a"},
		{`{"a":{"b":[1,{"c":2}]}}`, `{"a":{"b":[1,{"c":3}]}}`, "a.b"},
		{`{}`, `{"a":{"b":1,"c":{}}}`, "+a.b +a.c"},
		{`{"a":{"b":1}}`, `{}`, "a.b"},
		{`{"a":{"b":1}}`, `{"a":null}`, "a"},
		{`{"update_time":1}`, `{"update_time":2}`, ""},
		{`{"x":{"update_time":1}}`, `{"x":{"update_time":2}}`, "x.update_time"},
	} {
		var got []string
		for _, d := range changes([]byte(tt.a), []byte(tt.b)) {
			if d.added {
				d.path = "+" + d.path
			}
			got = append(got, d.path)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s and %s: %q, want %q", tt.a, tt.b, got, tt.want)
		}
	}
}

// The recorded gateway echoes members in another order each time, and tells secrets in clear.
func TestHolderOfARecordedGateway(t *testing.T) {
	c := replay(t, rigKey, "admin/013*", "admin/018*", "admin/024*", "admin/064*", "admin/119*")
	ctx := context.Background()
	for _, tt := range []struct {
		kind   Kind
		id     string
		plugin string
		want   PluginState
	}{
		{Routes, "deepflow-apisix-demo", "prometheus", PluginOn},
		{Routes, "deepflow-apisix-demo", "cors", PluginAbsent},
		{PluginConfigs, "1", "prometheus", PluginAbsent},
	} {
		h, err := c.Holder(ctx, tt.kind, tt.id)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Plugin(tt.plugin); got != tt.want || h.ModifiedIndex == 0 || h.CreatedIndex == 0 || h.old {
			t.Errorf("%s of %s is %s, want %s; %+v", tt.plugin, h.String(), got, tt.want, h.Resource)
		}
	}
	if schema, err := c.Schema(ctx, "limit-count", Routes); err != nil || !gjson.GetBytes(schema, "properties.count").Exists() {
		t.Errorf("schema: %v, %s", err, schema)
	}
	if _, err := c.Holder(ctx, Routes, "nosuch"); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such route: %v", err)
	}
	if _, err := c.Holder(ctx, Routes, ".."); !hint.IsMisuse(err) {
		t.Errorf("..: %v", err)
	}
}

func TestHolderOfAStandaloneGateway(t *testing.T) {
	c, _ := serve(t, rigKey, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/apisix/admin/configs" {
			http.Error(w, "<html>404 Not Found</html>", http.StatusNotFound)
			return
		}
		fmt.Fprint(w, `{"routes":[],"routes_conf_version":1}`)
	})
	_, err := c.Holder(context.Background(), Routes, "1")
	if !errors.Is(err, ErrStandalone) || !strings.Contains(hint.Of(err), "/apisix/admin/configs") {
		t.Errorf("%v, %s", err, hint.Of(err))
	}
}
