package profile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
)

// of makes n samples of a stack.
func of(n int, vm profile.VMState, frames ...profile.Frame) []profile.Sample {
	var out []profile.Sample
	for range n {
		out = append(out, profile.Sample{Kind: profile.CPU, Weight: time.Millisecond, Stack: frames, VM: vm})
	}
	return out
}

func in(object, name string) profile.Frame {
	f := native(name)
	f.Mapping = &profile.Mapping{Path: "/usr/lib/" + object}
	return f
}

// TestFindings has 100 samples for each case: n of what the finding is about, and the rest of
// what none is about. At the threshold it is told, and below it is not.
func TestFindings(t *testing.T) {
	hot := lua("hot", "/a/apisix/plugins/cors.lua")
	missing := profile.Frame{Kind: profile.FrameMissing, Name: "trace unknown"}
	for _, tt := range []struct {
		name, id string
		least    int
		vm       profile.VMState
		stack    []profile.Frame
	}{
		{"the VM says that it collects", "gc", 5, profile.VMCollect, []profile.Frame{in("libluajit.so", "")}},
		{"lj_gc.c by name", "gc", 5, "", []profile.Frame{native("gc_onestep"), native("lj_gc_step"), native("x")}},
		{"the VM says that it compiles", "jit_compile", 3, profile.VMCompile, []profile.Frame{native("x")}},
		{"the compiler by name", "jit_compile", 3, "", []profile.Frame{native("lj_opt_fold"), native("x")}},
		{"interpreted", "not_compiled", 5, "", []profile.Frame{hot}},
		{"the interpreter's helpers", "not_compiled", 5, "", []profile.Frame{native("lj_tab_newkey"), hot}},
		{"regex", "pcre", 5, "", []profile.Frame{{Kind: profile.FrameRegex}, in("libpcre.so.3", "pcre_exec")}},
		{"pcre2 linked statically", "pcre", 5, "", []profile.Frame{native("pcre2_match_8")}},
		{"regex without o", "regex_compile", 1, "", []profile.Frame{in("libpcre.so.3", "pcre_compile2"), native("x")}},
		{"regex without j", "regex_interpreted", 5, "", []profile.Frame{in("libpcre.so.3", "match"), in("libpcre.so.3", "pcre_exec")}},
		{"handshakes", "tls", 5, "", []profile.Frame{in("libcrypto.so.3", "bn_mul"), in("libssl.so.3", "SSL_do_handshake")}},
		{"tokens", "crypto", 5, "", []profile.Frame{in("libcrypto.so.3", "EVP_DigestVerify"), hot}},
		{"kernel", "kernel", 25, "", []profile.Frame{{Kind: profile.FrameKernel, Name: "tcp_sendmsg"}, native("writev")}},
		{"gap", "incomplete", 1, "", []profile.Frame{missing, native("x")}},
	} {
		for n := tt.least - 1; n <= tt.least; n++ {
			samples := append(of(n, tt.vm, tt.stack...), of(100-n, "", native("ngx_http_parse_request_line"))...)
			p, _ := built(cpu(), samples)
			told := false
			for _, f := range profile.Findings(p) {
				if f.ID == tt.id {
					told = true
					if f.Share != float64(n)/100 {
						t.Errorf("%s: a share of %v, want %d%%", tt.name, f.Share, n)
					}
				}
			}
			if want := n == tt.least; told != want {
				t.Errorf("%s: with %d%% it is told: %v, want %v", tt.name, n, told, want)
			}
		}
	}
}

func TestNoFinding(t *testing.T) {
	hot := lua("hot", "x.lua")
	for _, tt := range []struct {
		name, id string
		samples  []profile.Sample
	}{
		{"compiled for the most part", "not_compiled", append(of(8, "", hot), of(92, "", jit("hot", "x.lua"))...)},
		{"a C function's time is not the interpreter's", "not_compiled", of(100, "", profile.Frame{Kind: profile.FrameC, Name: "cjson.encode"}, hot)},
		{"nor is the collector's", "not_compiled", of(100, profile.VMCollect, hot)},
		{"regex that is compiled", "regex_interpreted", of(100, "", profile.Frame{Kind: profile.FrameRegex}, in("libpcre.so.3", "pcre_exec"))},
		{"cryptography of TLS", "crypto", of(100, "", in("libcrypto.so.3", "EVP_x"), in("libssl.so.3", "SSL_read"))},
		{"a Lua function called SSL_read", "tls", of(100, "", lua("SSL_read", "x.lua"))},
	} {
		p, _ := built(cpu(), tt.samples)
		for _, f := range profile.Findings(p) {
			if f.ID == tt.id {
				t.Errorf("%s: %s", tt.name, f.Text)
			}
		}
	}
	if p, _ := built(cpu(), nil); profile.Findings(p) != nil {
		t.Error("there are findings in no sample")
	}
	p, _ := built(profile.Options{Kind: profile.OffCPU}, []profile.Sample{{Kind: profile.OffCPU, Weight: 1, Stack: []profile.Frame{{Kind: profile.FrameKernel, Name: "schedule"}}}})
	if f := profile.Findings(p); f != nil {
		t.Errorf("waiting in the kernel is a finding: %v", f)
	}
}

func TestFindingNamesTheCaller(t *testing.T) {
	p, _ := built(cpu(), testrig.Samples())
	var all []string
	for _, f := range profile.Findings(p) {
		all = append(all, f.ID+": "+f.Text)
	}
	out := strings.Join(all, "\n")
	for _, want := range []string{
		"not_compiled: _M.incoming (apisix/plugins/limit-count/limit-count-local.lua:31) is interpreted",
		"gc: the garbage collector of Lua: less garbage, as tables and strings in a loop, leaves it less to do; most of it for _M.incoming (apisix/plugins",
		"crypto: cryptography outside of TLS, as signatures of tokens; most of it for _M.rewrite (apisix/plugins/jwt-auth.lua:280)",
		"regex_compile: ", "pcre: ", "incomplete: ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "regex_interpreted") || strings.Contains(out, "kernel:") {
		t.Errorf("too much in\n%s", out)
	}
}

func TestShortFile(t *testing.T) {
	for _, tt := range [][2]string{
		{"/usr/local/apisix/apisix/plugins/cors.lua", "apisix/plugins/cors.lua"},
		{"/usr/local/share/lua/5.1/apisix/plugins/cors.lua", "apisix/plugins/cors.lua"},
		{"/usr/local/apisix/deps/share/lua/5.1/resty/jwt.lua", "resty/jwt.lua"},
		{"/usr/local/openresty/lualib/resty/core/regex.lua", "resty/core/regex.lua"},
		{"/srv/gateway/own/auth.lua", "own/auth.lua"},
		{"auth.lua", "auth.lua"},
		{"access_by_lua(/etc/nginx/nginx.conf:278)", "access_by_lua(/etc/nginx/nginx.conf:278)"},
	} {
		if got := profile.ShortFile(tt[0]); got != tt[1] {
			t.Errorf("ShortFile(%q) = %q, want %q", tt[0], got, tt[1])
		}
	}
}
