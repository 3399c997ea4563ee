package testrig

import (
	"io"
	"sync"

	"github.com/apisixscope/apisixscope/internal/symbol"
)

// ObjectNames is bpf.ObjectNames.
type ObjectNames = interface {
	Name(address uint64) string
	BuildID() string
}

// NativeNames is a bpf.Namer, as the program has it. Its zero value is ready.
type NativeNames struct {
	objects symbol.Objects
	once    sync.Once
	kernel  *symbol.Kernel
}

type objectNames struct{ *symbol.Object }

func (o objectNames) Name(address uint64) string { return o.Object.Name(address).Name }

// Open is bpf.Namer's.
func (n *NativeNames) Open(file io.ReaderAt, path string, roots []string) (ObjectNames, error) {
	o, err := n.objects.Open(file, symbol.Source{Path: path, Roots: roots})
	if err != nil {
		return nil, err
	}
	return objectNames{o}, nil
}

// Kernel is bpf.Namer's.
func (n *NativeNames) Kernel(address uint64) string {
	n.once.Do(func() { n.kernel, _ = symbol.ReadKernel() })
	return n.kernel.Name(address).Name
}

// Close closes all objects.
func (n *NativeNames) Close() error { return n.objects.Close() }
