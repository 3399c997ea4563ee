package symbol

import (
	"strings"

	"github.com/ianlancetaylor/demangle"
)

// demangled turns a C++ or Rust symbol into the function's qualified name, without
// its parameters. Other names, and those that cannot be read, it leaves alone.
func demangled(name string) string {
	if !strings.HasPrefix(name, "_Z") && !strings.HasPrefix(name, "_R") {
		return name
	}
	mangled, suffix := name, "" // @plt, or a version
	if i := strings.IndexByte(name, '@'); i > 0 {
		mangled, suffix = name[:i], name[i:]
	}
	// A few bytes of a mangled name can stand for very many.
	plain, err := demangle.ToString(mangled, demangle.NoParams, demangle.NoEnclosingParams, demangle.MaxLength(10))
	if err != nil || plain == "" {
		return name
	}
	return plain + suffix
}
