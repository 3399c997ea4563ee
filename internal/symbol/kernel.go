package symbol

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/apisixscope/apisixscope/internal/hint"
)

// ErrHidden means that the kernel does not tell us its addresses.
var ErrHidden = errors.New("all addresses are hidden")

const needSyslog = "run as root, or grant CAP_SYSLOG; where the sysctl kernel.kptr_restrict is 2, set it to 1"

// hiddenName names all addresses of a kernel that hides them. With KASLR, numbers
// would mean nothing, and each would look like a function of its own.
const hiddenName = "[kernel]"

const (
	maxKernelSymbols = 4 << 20
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
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), 64<<10)
	var symbols []symbol
	var named int
	for lines.Scan() {
		s, function, ok := kernelSymbol(lines.Bytes())
		if !ok {
			continue
		}
		if len(symbols) == maxKernelSymbols {
			return nil, fmt.Errorf("read /proc/kallsyms: %w", errTooLarge)
		}
		if function {
			named++
		} else {
			s.name = "" // data: only bounds what lies before it
		}
		symbols = append(symbols, s)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read /proc/kallsyms: %w", err)
	}
	if named == 0 {
		return nil, hint.Wrap(fmt.Errorf("read /proc/kallsyms: %w", ErrHidden), needSyslog)
	}
	limit := func(start uint64) uint64 { return start + maxKernelFunction }
	return &Kernel{build(symbols, limit)}, nil
}

// kernelSymbol parses a line. An address of 0 is hidden, or a per-CPU offset's.
func kernelSymbol(line []byte) (s symbol, function, ok bool) {
	address, rest, _ := bytes.Cut(line, []byte{' '})
	kind, rest, _ := bytes.Cut(rest, []byte{' '})
	name, module, _ := bytes.Cut(rest, []byte{'\t'})
	start, err := strconv.ParseUint(string(address), 16, 64)
	if err != nil || start == 0 || len(kind) != 1 || len(name) == 0 {
		return symbol{}, false, false
	}
	s = symbol{start: start, binding: local}
	switch kind[0] {
	case 'T', 'W', 'w':
		s.binding = global
	case 't':
	default:
		return s, false, true
	}
	name = name[:min(len(name), maxName)]
	if module = bytes.TrimSpace(module); len(module) > 0 {
		s.name = string(module[:min(len(module), maxName)]) + " " + string(name)
	} else {
		s.name = string(name)
	}
	return s, true, true
}
