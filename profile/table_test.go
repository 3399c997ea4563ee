package profile_test

import (
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
)

func TestTableByLabel(t *testing.T) {
	p, _ := built(cpu(), testrig.Samples())
	for by, want := range map[string][]profile.Row{
		"plugin": {{Name: "limit-count", Cum: 114}, {Name: "prometheus", Cum: 75}, {Name: "jwt-auth", Cum: 40}, {Name: "uri-blocker", Cum: 30}, {Name: "", Cum: 94}},
		"phase":  {{Name: "access", Cum: 190}, {Name: "log", Cum: 75}, {Name: "", Cum: 88}},
		"worker": {{Name: "4132", Cum: 225}, {Name: "4133", Cum: 128}},
		"route":  {{Name: "1", Title: "orders", Cum: 219}, {Name: "2", Cum: 49}, {Name: "<script>alert(1)</script>", Cum: 5}, {Name: "", Cum: 80}},
	} {
		got := profile.Table(p, by)
		if len(got) != len(want) {
			t.Errorf("by %s: %d rows, want %d: %+v", by, len(got), len(want), got)
			continue
		}
		for i, w := range want {
			if g := got[i]; g.Name != w.Name || g.Title != w.Title || g.Cum != w.Cum*int64(testrig.SamplePeriod) || g.Samples != w.Cum {
				t.Errorf("by %s: row %d is %+v, want %+v", by, i, g, w)
			}
		}
	}
}

func TestTableByFunction(t *testing.T) {
	p, _ := built(cpu(), testrig.Samples())
	rows := map[string]profile.Row{}
	var flat int64
	for _, r := range profile.Table(p, profile.ByFunction) {
		if _, ok := rows[r.Name+r.File]; ok {
			t.Errorf("two rows for %s", r.Name)
		}
		rows[r.Name+r.File] = r
		flat += r.Flat
	}
	if flat != profile.Total(p) {
		t.Errorf("flat is %v in all, want %v", time.Duration(flat), time.Duration(profile.Total(p)))
	}
	const apisix = "/usr/local/apisix/apisix/"
	for _, w := range []struct {
		name      string
		kind      profile.FrameKind
		flat, cum int64
	}{
		{"_M.incoming" + apisix + "plugins/limit-count/limit-count-local.lua", profile.FrameLua, 60, 110},
		{"_M.access" + apisix + "plugins/limit-count/init.lua", profile.FrameLua, 0, 114},
		{"observe/usr/local/apisix/deps/share/lua/5.1/prometheus.lua", profile.FrameJIT, 50, 50},
		{"tcp_sendmsg", profile.FrameKernel, 45, 45},
		{"_start", profile.FrameNative, 0, 345},
		{"walk/x/tree.lua", profile.FrameLua, 1, 1}, // 200 frames of one sample count once
		{"[no unwind row: libfoo.so]", profile.FrameMissing, 0, 8},
		{"[no name: libluajit-5.1.so.2]", profile.FrameNative, 30, 30},
	} {
		r, ok := rows[w.name]
		if period := int64(testrig.SamplePeriod); !ok || r.Kind != w.kind || r.Flat != w.flat*period || r.Cum != w.cum*period {
			t.Errorf("%s: %+v, want %+v", w.name, r, w)
		}
	}
	if r := rows["pcre_exec"]; r.Object != "libpcre.so.3" {
		t.Errorf("pcre_exec is of %q", r.Object)
	}
}
