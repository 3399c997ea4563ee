package profile_test

import (
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/profile"
)

func TestPluginOf(t *testing.T) {
	for _, tt := range []struct{ file, want string }{
		{"/usr/local/apisix/apisix/plugins/cors.lua", "cors"},
		{"/usr/local/apisix/apisix/plugins/limit-count.lua", "limit-count"},
		{"/usr/local/apisix/apisix/plugins/limit-count/init.lua", "limit-count"},
		{"/usr/local/apisix/apisix/plugins/prometheus/exporter.lua", "prometheus"},
		{"/usr/local/apisix/apisix/plugins/ai-proxy/drivers/openai.lua", "ai-proxy"},
		{"apisix/plugins/ip_restriction.lua", "ip_restriction"},
		{"@apisix/plugins/cors.lua", "cors"},
		{"./apisix/plugins/cors.lua", "cors"},
		{"/opt/own/apisix/plugins/v2.auth.lua", "v2.auth"},
		{"/usr/local/apisix/apisix/stream/plugins/mqtt-proxy.lua", "mqtt-proxy"},
		{"/usr/local/apisix/apisix/plugin.lua", ""},
		{"/usr/local/apisix/apisix/plugins/README", ""},
		{"/usr/local/apisix/apisix/plugins/", ""},
		{"/usr/local/apisix/apisix/plugins/.lua", ""},
		{"/usr/local/apisix/apisix/plugins/../plugin.lua", ""},
		{"/usr/local/notapisix/plugins/cors.lua", ""},
		{"/usr/local/apisix/deps/share/lua/5.1/resty/jwt.lua", ""},
		{"/x/apisix/plugins/<script>.lua", ""},
		{"/x/apisix/plugins/a\x1b[31m.lua", ""},
		{"/x/apisix/plugins/" + strings.Repeat("a", 65) + ".lua", ""},
		{"/home/apisix/plugins/src/apisix/plugins/echo.lua", "echo"},
		{"access_by_lua(nginx.conf:278)", ""},
		{"", ""},
	} {
		if got := profile.PluginOf(tt.file); got != tt.want {
			t.Errorf("PluginOf(%q) = %q, want %q", tt.file, got, tt.want)
		}
	}
}

// lua, jit and native make frames of a stack.
func lua(name, file string) profile.Frame {
	return profile.Frame{Kind: profile.FrameLua, Name: name, File: file}
}
func jit(name, file string) profile.Frame {
	return profile.Frame{Kind: profile.FrameJIT, Name: name, File: file}
}
func native(name string) profile.Frame {
	return profile.Frame{Kind: profile.FrameNative, Name: name}
}

func TestPhase(t *testing.T) {
	for _, tt := range []struct {
		frame profile.Frame
		want  string
	}{
		{lua("main chunk", "access_by_lua(nginx.conf:278)"), "access"},
		{lua("main chunk", "=header_filter_by_lua(...local/apisix/conf/nginx.conf:300)"), "header_filter"},
		{jit("main chunk", "ssl_certificate_by_lua(nginx.conf:12)"), "ssl_certificate"},
		{lua("main chunk", "preread_by_lua(nginx.conf:12)"), "preread"},
		{lua("_M.http_access_phase", "/a/apisix/init.lua"), "access"},
		{lua("http_balancer_phase", "/a/apisix/init.lua"), "balancer"},
		{jit("_M.http_header_filter_phase", "/a/apisix/init.lua"), "header_filter"},
		{lua("apisix.http_init_worker", "/a/apisix/init.lua"), "init_worker"},
		{lua("_M.http_init", "/a/apisix/init.lua"), "init"},
		{lua("_M.grpc_access_phase", "/a/apisix/init.lua"), "access"},
		{lua("_M.stream_preread_phase", "/a/apisix/init.lua"), "preread"},
		{lua("_M.http_ssl_client_hello_phase", "/a/apisix/init.lua"), "ssl_client_hello"},
		{native("ngx_http_lua_timer_handler"), "timer"},
		{native("ngx_http_lua_run_thread"), ""},
		{native("http_access_phase"), ""},
		{lua("_M.http_phase", "x"), ""},
		{lua("_M.http__phase", "x"), ""},
		{lua("_M.http_ACCESS_phase", "x"), ""},
		{lua("http", "x"), ""},
		{lua("main chunk", "/x/access_by_lua(nginx.conf:278)"), ""},
		{lua("main chunk", "\x1b[31m_by_lua(nginx.conf:278)"), ""},
		{lua("main chunk", "_by_lua("), ""},
		{lua("main chunk", strings.Repeat("a", 33)+"_by_lua(x)"), ""},
		{native("access_by_lua(nginx.conf:278)"), ""},
	} {
		if got := profile.Phase([]profile.Frame{tt.frame}); got != tt.want {
			t.Errorf("Phase(%s %s) = %q, want %q", tt.frame.Name, tt.frame.File, got, tt.want)
		}
	}
}

func TestLabel(t *testing.T) {
	access := lua("main chunk", "access_by_lua(nginx.conf:278)")
	header := lua("main chunk", "header_filter_by_lua(nginx.conf:300)")
	count := lua("_M.access", "/a/apisix/plugins/limit-count.lua")
	incoming := jit("incoming", "/a/apisix/plugins/limit-count/local.lua")
	cors := lua("_M.header_filter", "/a/apisix/plugins/cors.lua")
	core := lua("exit", "/a/apisix/core/response.lua")
	for _, tt := range []struct {
		name          string
		stack         []profile.Frame
		has           profile.Labels
		phase, plugin string
	}{
		{"empty", nil, profile.Labels{}, "", ""},
		{"no Lua", []profile.Frame{native("epoll_wait")}, profile.Labels{}, "", ""},
		{"plugin", []profile.Frame{native("lj_str_new"), incoming, count, access, native("main")}, profile.Labels{}, "access", "limit-count"},
		{"of two plugins the outer", []profile.Frame{cors, count, access}, profile.Labels{}, "access", "limit-count"},
		{"a phase within a phase", []profile.Frame{cors, header, native("ngx_http_send_header"), core, count, access}, profile.Labels{}, "header_filter", "cors"},
		{"and without a plugin", []profile.Frame{core, header, native("ngx_http_send_header"), count, access}, profile.Labels{}, "header_filter", ""},
		{"outside of plugins", []profile.Frame{core, access}, profile.Labels{}, "access", ""},
		{"the source knows", []profile.Frame{count, access}, profile.Labels{Phase: "log", Plugin: "zipkin"}, "log", "zipkin"},
		{"the source knows a part", []profile.Frame{count, access}, profile.Labels{Phase: "log"}, "log", "limit-count"},
		{"coroutine", []profile.Frame{count}, profile.Labels{}, "", "limit-count"},
	} {
		s := profile.Sample{Stack: tt.stack, Labels: tt.has}
		s.Label()
		if s.Labels.Phase != tt.phase || s.Labels.Plugin != tt.plugin {
			t.Errorf("%s: phase %q, plugin %q, want %q, %q", tt.name, s.Labels.Phase, s.Labels.Plugin, tt.phase, tt.plugin)
		}
	}
}

// FuzzLabel wants labels that no stranger can have made: words of a known form alone.
func FuzzLabel(f *testing.F) {
	for _, s := range []string{"", "main chunk", "access_by_lua(nginx.conf:278)", "/a/apisix/plugins/cors.lua", "_M.http_access_phase",
		"apisix/plugins/\x1b[31m/x.lua", "apisix/plugins/..", "@apisix/stream/plugins/a/b/c.lua", "=_by_lua(", "http_\xff_phase"} {
		f.Add(s, s)
	}
	const letters = "abcdefghijklmnopqrstuvwxyz_"
	f.Fuzz(func(t *testing.T, name, file string) {
		for _, kind := range []profile.FrameKind{profile.FrameLua, profile.FrameJIT, profile.FrameNative, profile.FrameKernel, profile.FrameC} {
			s := profile.Sample{Stack: []profile.Frame{{Kind: kind, Name: name, File: file}}}
			s.Label()
			phase, plugin := s.Labels.Phase, s.Labels.Plugin
			if strings.Trim(phase, letters) != "" || len(phase) > 32 {
				t.Errorf("phase %q of %q in %q", phase, name, file)
			}
			if strings.Trim(plugin, letters+strings.ToUpper(letters)+"0123456789-.") != "" || len(plugin) > 64 || strings.HasPrefix(plugin, ".") {
				t.Errorf("plugin %q of %q", plugin, file)
			}
			if plugin != "" && !strings.Contains(file, "plugins/"+plugin) {
				t.Errorf("plugin %q is not in %q", plugin, file)
			}
			if kind != profile.FrameLua && kind != profile.FrameJIT && (plugin != "" || phase != "" && phase != "timer") {
				t.Errorf("a frame of kind %s has phase %q and plugin %q", kind, phase, plugin)
			}
		}
	})
}
