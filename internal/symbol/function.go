package symbol

import (
	"fmt"
	"path"
	"strings"
)

// A Function is what an address belongs to.
type Function struct {
	// Name is what to show: demangled, and never empty. It is a stranger's text
	// and may hold any byte but NUL.
	Name string
	// Symbol is the name as the linker knows it, or "" where Name is made up.
	Symbol string
	// Start is the function's first address and Size its length in bytes: in an
	// object the addresses of its file, in the kernel those of memory. An address
	// that nothing covers is a Start of its own with Size 0.
	Start, Size uint64
	// Exact says that a symbol's own size holds the address. Where it does not
	// the name is made up or an IFUNC's, or the symbol has no size and ends where
	// something else begins. The kernel's symbols never have one.
	Exact bool
}

// maxName bounds a symbol's name, in bytes. Longer ones are cut.
const maxName = 1024

// subName names a function of an object that has no symbol, by its start.
func subName(object string, start uint64) string {
	return fmt.Sprintf("%s!sub_%x", object, start)
}

// bareName names an address of which nothing is known.
func bareName(object string, addr uint64) string {
	return fmt.Sprintf("%s!0x%x", object, addr)
}

// baseName is an object's short name: nginx for "/usr/sbin/nginx (deleted)", as
// /proc/PID/maps marks a file that an upgrade replaced.
func baseName(file string) string {
	file = strings.TrimSuffix(file, " (deleted)")
	if file == "" {
		return "?"
	}
	return path.Base(file)
}
