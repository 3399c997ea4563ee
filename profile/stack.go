package profile

import (
	"path"
	"strings"

	pprof "github.com/google/pprof/profile"
)

// stack is a sample as the rules of findings see it.
type stack struct{ *pprof.Sample }

// any reports whether a frame is as ok says.
func (s *stack) any(ok func(kind FrameKind, name, object string) bool) bool {
	for _, l := range s.Location {
		object := ""
		if l.Mapping != nil {
			object = path.Base(l.Mapping.File)
		}
		if ok(KindOf(l), l.Line[0].Function.Name, object) {
			return true
		}
	}
	return false
}

func hasPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// collects: the VM says so, which a stripped LuaJIT does, too; else lj_gc.c is on the stack.
func (s *stack) collects() bool {
	return LabelOf(s.Sample, LabelVM) == string(VMCollect) || s.any(func(k FrameKind, name, _ string) bool {
		return k == FrameNative && hasPrefix(name, "lj_gc_")
	})
}

func (s *stack) compiles() bool {
	return LabelOf(s.Sample, LabelVM) == string(VMCompile) || s.any(func(k FrameKind, name, _ string) bool {
		return k == FrameNative && hasPrefix(name, "lj_record_", "lj_opt_", "lj_asm_", "lj_trace_hot", "lj_trace_ins")
	})
}

func isPCRE(k FrameKind, name, object string) bool {
	return k == FrameRegex || k == FrameNative && (hasPrefix(object, "libpcre") || hasPrefix(name, "pcre_", "pcre2_", "_pcre"))
}

func (s *stack) matches() bool { return s.any(isPCRE) }

func (s *stack) compilesRegex() bool {
	return s.any(func(k FrameKind, name, _ string) bool {
		return k == FrameNative && hasPrefix(name, "pcre_compile", "pcre2_compile", "pcre_study", "pcre2_jit_compile",
			"ngx_http_lua_ffi_compile_regex", "ngx_stream_lua_ffi_compile_regex")
	})
}

// interpretsRegex: PCRE runs, and neither machine code that it made nor what compiles.
func (s *stack) interpretsRegex() bool {
	return s.matches() && !s.compilesRegex() && !s.any(func(k FrameKind, name, _ string) bool {
		return k == FrameRegex || k == FrameNative && strings.Contains(name, "jit")
	})
}

func (s *stack) tls() bool {
	return s.any(func(k FrameKind, name, object string) bool {
		return k == FrameNative && (hasPrefix(object, "libssl") || hasPrefix(name, "SSL_", "ngx_ssl_"))
	})
}

func (s *stack) crypto() bool {
	return !s.tls() && s.any(func(k FrameKind, name, object string) bool {
		return k == FrameNative && (hasPrefix(object, "libcrypto") || hasPrefix(name, "EVP_"))
	})
}

// inKernel is about what the kernel did itself, which is at the leaf.
func (s *stack) inKernel() bool { return len(s.Location) > 0 && KindOf(s.Location[0]) == FrameKernel }

func (s *stack) incomplete() bool {
	return s.any(func(k FrameKind, _, _ string) bool { return k == FrameMissing })
}

// caller names the Lua function nearest to the leaf; empty for none.
func (s *stack) caller() string {
	for _, l := range s.Location {
		if isLua(KindOf(l)) {
			return where(l.Line[0].Function)
		}
	}
	return ""
}

// own returns the frame of the Lua function that ran itself, be it through the VM's
// helpers; nil if something else did.
func (s *stack) own() *pprof.Location {
	for _, l := range s.Location {
		switch k := KindOf(l); {
		case isLua(k):
			return l
		case k != FrameNative || !hasPrefix(l.Line[0].Function.Name, "lj_"):
			return nil
		}
	}
	return nil
}
