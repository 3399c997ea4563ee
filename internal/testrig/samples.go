package testrig

import (
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/profile"
)

// SamplesBegan is when the window of Samples did.
var SamplesBegan = time.Date(2026, 11, 22, 12, 14, 45, 0, time.UTC)

const (
	worker1 = 4132
	worker2 = 4133
	// SamplePeriod is what each of Samples stands for.
	SamplePeriod = 10 * time.Millisecond
)

var (
	nginx  = &profile.Mapping{Path: "/usr/local/openresty/nginx/sbin/nginx", BuildID: "a1b2c3d4", Start: 0x25000, Limit: 0x2f5000, Offset: 0x25000}
	luaLib = &profile.Mapping{Path: "/usr/lib/libluajit-5.1.so.2", BuildID: "0badcafe", Start: 0x5000, Limit: 0x7d000, Offset: 0x5000}
	libc   = &profile.Mapping{Path: "/lib/x86_64-linux-gnu/libc.so.6", BuildID: "feed5eed", Start: 0x26000, Limit: 0x17b000, Offset: 0x26000}
	pcre   = &profile.Mapping{Path: "/lib/x86_64-linux-gnu/libpcre.so.3", Start: 0x2000, Limit: 0x5f000, Offset: 0x2000}
	crypto = &profile.Mapping{Path: "/usr/lib/libcrypto.so.3", BuildID: "c0ffee", Start: 0xa6000, Limit: 0x31c000, Offset: 0xa6000}
)

const apisix = "/usr/local/apisix/apisix/"

func native(m *profile.Mapping, name string, addr uint64) profile.Frame {
	return profile.Frame{Kind: profile.FrameNative, Name: name, Mapping: m, Address: addr}
}

func kernel(name string) profile.Frame {
	return profile.Frame{Kind: profile.FrameKernel, Name: name, Address: 0xffffffff81000000}
}

func lua(kind profile.FrameKind, name, file string, line, start int) profile.Frame {
	return profile.Frame{Kind: kind, Name: name, File: file, Line: line, StartLine: start}
}

// stack joins pieces, leaf first.
func stack(pieces ...any) []profile.Frame {
	var out []profile.Frame
	for _, p := range pieces {
		switch p := p.(type) {
		case profile.Frame:
			out = append(out, p)
		case []profile.Frame:
			out = append(out, p...)
		}
	}
	return out
}

// loop is how a worker comes to handle an event.
func loop() []profile.Frame {
	return []profile.Frame{
		native(nginx, "ngx_epoll_process_events", 0x6e1f0), native(nginx, "ngx_process_events_and_timers", 0x63a10),
		native(nginx, "ngx_worker_process_cycle", 0x6c2b4), native(nginx, "ngx_spawn_process", 0x6a8e0), native(nginx, "ngx_master_process_cycle", 0x6cd11),
		native(nginx, "main", 0x41c70), native(libc, "__libc_start_main", 0x27285), native(nginx, "_start", 0x42a21),
	}
}

// accessPhase is how Lua of a plugin is run in the access phase.
func accessPhase() []profile.Frame {
	return stack(
		lua(profile.FrameLua, "run_plugin", apisix+"plugin.lua", 1200, 1150), lua(profile.FrameLua, "_M.http_access_phase", apisix+"init.lua", 730, 655),
		lua(profile.FrameLua, "main chunk", "access_by_lua(nginx.conf:278)", 2, 0),
		native(luaLib, "lua_resume", 0x11a3f), native(nginx, "ngx_http_lua_run_thread", 0x1a0b20), native(nginx, "ngx_http_lua_access_handler", 0x1a55e0),
		native(nginx, "ngx_http_core_run_phases", 0x7d9c0), loop())
}

func logPhase() []profile.Frame {
	return stack(
		lua(profile.FrameLua, "_M.http_log_phase", apisix+"init.lua", 930, 920), lua(profile.FrameLua, "main chunk", "log_by_lua(nginx.conf:310)", 2, 0),
		native(luaLib, "lua_pcall", 0x119c0), native(nginx, "ngx_http_lua_log_handler", 0x1a9950), native(nginx, "ngx_http_free_request", 0x82770), loop())
}

// many is n samples of one kind.
type many struct {
	n      int
	worker int
	labels profile.Labels
	vm     profile.VMState
	cut    string
	stack  []profile.Frame
}

// Samples are those of a window of a few seconds of two workers, of which nothing is left to chance.
// Their order is mixed. Some of their texts are hostile.
func Samples() []profile.Sample {
	orders := profile.Labels{Route: "1", RouteName: "orders", Service: "shop", Consumer: "jack", Host: "shop.example"}
	bank := profile.Labels{Route: "2", Host: "bank.example"}
	evil := profile.Labels{Route: "<script>alert(1)</script>", Host: "\x1b[31mevil\"'&", Consumer: strings.Repeat("long", 500)}
	limit, incoming := lua(profile.FrameLua, "_M.access", apisix+"plugins/limit-count/init.lua", 310, 295), lua(profile.FrameLua, "_M.incoming", apisix+"plugins/limit-count/limit-count-local.lua", 40, 31)
	jwt := lua(profile.FrameLua, "_M.rewrite", apisix+"plugins/jwt-auth.lua", 300, 280)
	exporter := lua(profile.FrameJIT, "_M.http_log", apisix+"plugins/prometheus/exporter.lua", 214, 200)
	restrict := lua(profile.FrameLua, "_M.restrict", apisix+"plugins/uri-blocker.lua", 88, 80)
	all := []many{
		{n: 60, worker: worker1, labels: orders, stack: stack(incoming, limit, accessPhase())},
		{n: 20, worker: worker1, labels: orders, stack: stack(native(luaLib, "lj_tab_newkey", 0x1b2c0), incoming, limit, accessPhase())},
		{n: 30, worker: worker1, labels: orders, vm: profile.VMCollect, stack: stack(native(luaLib, "", 0x9d30), incoming, limit, accessPhase())},
		{n: 40, worker: worker1, labels: bank, stack: stack(native(crypto, "EVP_DigestVerify", 0x1c0de0), lua(profile.FrameC, "resty.openssl.pkey.verify", "", 0, 0), jwt, accessPhase())},
		{n: 50, worker: worker1, labels: orders, stack: stack(lua(profile.FrameJIT, "observe", "/usr/local/apisix/deps/share/lua/5.1/prometheus.lua", 512, 500), exporter, logPhase())},
		{n: 25, worker: worker1, labels: orders, stack: stack(exporter, logPhase())},
		{n: 24, worker: worker2, labels: orders, stack: stack(profile.Frame{Kind: profile.FrameRegex}, native(pcre, "pcre_exec", 0x1f0a0), native(nginx, "ngx_http_lua_ffi_exec_regex", 0x1b1c00), lua(profile.FrameLua, "ngx.re.find", "/usr/local/openresty/lualib/resty/core/regex.lua", 601, 540), restrict, accessPhase())},
		{n: 6, worker: worker2, labels: orders, stack: stack(native(pcre, "pcre_compile2", 0x11b40), native(nginx, "ngx_http_lua_ffi_compile_regex", 0x1b0900), lua(profile.FrameLua, "ngx.re.find", "/usr/local/openresty/lualib/resty/core/regex.lua", 560, 540), restrict, accessPhase())},
		{n: 45, worker: worker2, stack: stack(kernel("tcp_sendmsg"), kernel("__x64_sys_writev"), kernel("do_syscall_64"), native(libc, "writev", 0xff5c0), native(nginx, "ngx_writev", 0x6f0a0), native(nginx, "ngx_http_write_filter", 0x90210), loop())},
		{n: 35, worker: worker2, stack: stack(kernel("do_epoll_wait"), kernel("do_syscall_64"), native(libc, "epoll_wait", 0x107100), loop())},
		{n: 8, worker: worker2, labels: bank, cut: "no unwind row: libfoo.so", stack: stack(native(&profile.Mapping{Path: "/opt/libfoo.so"}, "foo", 0x1130))},
		{n: 4, worker: worker2, labels: orders, stack: stack(profile.Frame{Kind: profile.FrameMissing, Name: "trace unknown"}, limit, accessPhase())},
		{n: 3, worker: worker2, labels: evil, stack: stack(lua(profile.FrameLua, "</title><script>alert('x')</script>]]>", "/x/\x1b]0;owned\x07<b>\"quoted\"&amp;.lua", 7, 7), lua(profile.FrameLua, "a\x1b[31m;red\nline\u202e\xff", `C:\x "y" 'z'`, 1, 1), accessPhase())},
		{n: 2, worker: worker2, labels: evil, stack: stack(lua(profile.FrameJIT, "long_"+strings.Repeat("name", 1250), "/x/"+strings.Repeat("deep/", 1000)+"x.lua", 9, 9), accessPhase())},
		{n: 1, worker: worker2, labels: bank, stack: stack(deep(200), accessPhase())},
	}
	return mixed(all)
}

// deep is a recursion.
func deep(n int) []profile.Frame {
	var out []profile.Frame
	for range n {
		out = append(out, lua(profile.FrameLua, "walk", "/x/tree.lua", 12, 10))
	}
	return out
}

// mixed spreads the samples over time.
func mixed(all []many) []profile.Sample {
	var out []profile.Sample
	for i, left := 0, true; left; i++ {
		left = false
		for _, m := range all {
			if i >= m.n {
				continue
			}
			left = true
			out = append(out, profile.Sample{
				Kind: profile.CPU, Time: SamplesBegan.Add(time.Duration(len(out)) * SamplePeriod), PID: m.worker, TID: m.worker, Weight: SamplePeriod,
				Stack: m.stack, Truncated: m.cut, Labels: m.labels, VM: m.vm,
			})
		}
	}
	return out
}
