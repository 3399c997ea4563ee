package symbol

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/apisixscope/apisixscope/internal/hint"
)

// ErrHidden means that the kernel does not tell us its addresses.
var ErrHidden = errors.New("all addresses are hidden")

const needSyslog = "run as root, or grant CAP_SYSLOG; where the sysctl kernel.kptr_restrict is 2, set it to 1"

// hiddenName names all addresses of a kernel that hides them. With KASLR, numbers
// would mean nothing, and each would look like a function of its own.
const hiddenName = "[kernel]"

const (
	maxKallsyms = 64 << 20 // bytes
	// maxKernelFunction bounds a function of the kernel, in bytes: kallsyms has no
	// sizes, and behind the last one of a module a gap begins in which programs
	// lie that have no symbol.
	maxKernelFunction = 64 << 10
)

// A Kernel names addresses of the running kernel and its modules. A nil Kernel
// names every address [kernel].
type Kernel struct {
	table table
}

// ReadKernel reads /proc/kallsyms, which takes tens of milliseconds. Its error is
// ErrHidden, with the remedy, where we may not see addresses.
func ReadKernel() (*Kernel, error) {
	file, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, fmt.Errorf("read kernel symbols: %w", err)
	}
	defer file.Close()
	return readKernel(file)
}

// Name returns the function at an address in the kernel. Functions of modules, and
// of BPF, have the module before them: [nf_nat] nf_nat_inet_fn.
func (k *Kernel) Name(addr uint64) Function {
	if k == nil {
		return Function{Name: hiddenName, Start: addr}
	}
	if f, ok := k.table.find(addr); ok {
		return f
	}
	return Function{Name: bareName(hiddenName, addr), Start: addr}
}

// readKernel reads lines of "address type name [module]".
func readKernel(r io.Reader) (*Kernel, error) {
	var b bytes.Buffer
	b.Grow(8 << 20) // one with the modules of a server has 5 to 6 MB
	if n, err := b.ReadFrom(io.LimitReader(r, maxKallsyms+1)); err != nil {
		return nil, fmt.Errorf("read /proc/kallsyms: %w", err)
	} else if n > maxKallsyms {
		return nil, fmt.Errorf("read /proc/kallsyms: %w", errTooLarge)
	}
	symbols := make([]symbol, 0, bytes.Count(b.Bytes(), []byte{'\n'}))
	named := false
	for line := range strings.Lines(b.String()) {
		if s, ok := kernelSymbol(line); ok {
			symbols = append(symbols, s)
			named = named || s.name != ""
		}
	}
	if !named {
		return nil, hint.Wrap(fmt.Errorf("read /proc/kallsyms: %w", ErrHidden), needSyslog)
	}
	limit := func(start uint64) uint64 { return start + maxKernelFunction }
	return &Kernel{build(symbols, limit)}, nil
}

// kernelSymbol parses a line. Data has no name: it only bounds what lies before it.
// An address of 0 is hidden, or a per-CPU offset.
func kernelSymbol(line string) (symbol, bool) {
	address, rest, _ := strings.Cut(line, " ")
	kind, rest, _ := strings.Cut(rest, " ")
	name, module, _ := strings.Cut(strings.TrimSuffix(rest, "\n"), "\t")
	start, err := strconv.ParseUint(address, 16, 64)
	if err != nil || start == 0 || len(kind) != 1 || name == "" || strings.Contains(rest, "\x00") {
		return symbol{}, false
	}
	s := symbol{start: start, binding: local}
	switch kind {
	case "T", "W", "w":
		s.binding = global
	case "t":
	default:
		return s, true
	}
	s.name = name[:min(len(name), maxName)]
	if module != "" {
		s.name = module[:min(len(module), maxName)] + " " + s.name
	}
	return s, true
}
