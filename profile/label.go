package profile

import (
	"path"
	"strings"
)

// Label fills in what the stack tells and the source did not: phase and plugin.
func (s *Sample) Label() {
	if s.Labels.Phase != "" && s.Labels.Plugin != "" {
		return
	}
	stack := innermost(s.Stack)
	if s.Labels.Phase == "" {
		s.Labels.Phase = Phase(stack)
	}
	if s.Labels.Plugin == "" {
		s.Labels.Plugin = Plugin(stack)
	}
}

// innermost returns the part of a stack, leaf first, up to the main chunk nearest to the
// leaf. A phase may begin while another's Lua is on the stack: ngx.say in the access phase
// runs header_filter_by_lua. What runs is then the work of the later one.
func innermost(stack []Frame) []Frame {
	for i := range stack {
		if isLua(stack[i].Kind) && chunkPhase(stack[i].File) != "" {
			return stack[:i+1]
		}
	}
	return stack
}

func isLua(k FrameKind) bool { return k == FrameLua || k == FrameJIT }

// Phase returns nginx's phase that a stack, leaf first, is of, by the frame nearest to its
// root that tells: the main chunk of a by-Lua directive, one of APISIX's functions for
// nginx's phases, or the timers of the Lua module. Empty if none tells.
func Phase(stack []Frame) string {
	for i := len(stack) - 1; i >= 0; i-- {
		phase := ""
		switch f := &stack[i]; f.Kind {
		case FrameLua, FrameJIT:
			if phase = chunkPhase(f.File); phase == "" {
				phase = functionPhase(f.Name)
			}
		case FrameNative:
			phase = nativePhase(f.Name)
		}
		if phase != "" {
			return phase
		}
	}
	return ""
}

// chunkPhase knows the chunks that the Lua modules name after their directive, as in
// "access_by_lua(nginx.conf:278)": ngx_http_lua_gen_chunk_name in ngx_http_lua_directive.c.
func chunkPhase(chunk string) string {
	chunk = strings.TrimPrefix(chunk, "=")
	phase, _, ok := strings.Cut(chunk, "_by_lua(")
	if !ok || !isWord(phase) {
		return ""
	}
	return phase
}

// functionPhase knows the functions of apisix/init.lua that its nginx.conf calls, such as
// _M.http_access_phase, grpc_access_phase, stream_log_phase and http_init_worker.
func functionPhase(name string) string {
	name = name[strings.LastIndexAny(name, ".:")+1:]
	kind, phase, ok := strings.Cut(name, "_")
	if !ok || kind != "http" && kind != "grpc" && kind != "dubbo" && kind != "stream" {
		return ""
	}
	switch {
	case kind != "dubbo" && (phase == "init" || phase == "init_worker" || phase == "exit_worker"):
		return phase
	case !isWord(phase):
		return ""
	}
	phase, ok = strings.CutSuffix(phase, "_phase")
	if !ok {
		return ""
	}
	return phase
}

// nativePhase knows what runs ngx.timer's functions, which no main chunk stands below:
// ngx_http_lua_timer.c and ngx_stream_lua_timer.c. A stripped nginx does not tell.
func nativePhase(name string) string {
	if name == "ngx_http_lua_timer_handler" || name == "ngx_stream_lua_timer_handler" {
		return "timer"
	}
	return ""
}

// isWord reports whether s is made as the names of phases are.
func isWord(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return true
}

// Plugin returns the plugin that a stack, leaf first, is of: that of the frame nearest to
// its root that is of a plugin's file, for a plugin may use another's code. Empty if none
// is.
func Plugin(stack []Frame) string {
	for i := len(stack) - 1; i >= 0; i-- {
		if !isLua(stack[i].Kind) {
			continue
		}
		if name := PluginOf(stack[i].File); name != "" {
			return name
		}
	}
	return ""
}

// PluginOf returns the plugin that a Lua file is of: NAME for apisix/plugins/NAME.lua and
// for all below apisix/plugins/NAME/, wherever that is; plugins of stream routes are in
// apisix/stream/plugins. Empty for other files.
func PluginOf(file string) string {
	rest, ok := below(file, "apisix/plugins/")
	if !ok {
		if rest, ok = below(file, "apisix/stream/plugins/"); !ok {
			return ""
		}
	}
	name, _, deeper := strings.Cut(rest, "/")
	if !deeper {
		if name, ok = strings.CutSuffix(name, ".lua"); !ok {
			return ""
		}
	}
	if !isPlugin(name) {
		return ""
	}
	return name
}

// below returns what follows the last dir in file, where dir is whole.
func below(file, dir string) (string, bool) {
	i := strings.LastIndex(file, dir)
	if i < 0 || i > 0 && file[i-1] != '/' && file[i-1] != '@' {
		return "", false
	}
	return file[i+len(dir):], true
}

// isPlugin reports whether s is made as the names of plugins are: it may become a label.
func isPlugin(s string) bool {
	if s == "" || len(s) > 64 || s != path.Base(s) || s[0] == '.' {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}
