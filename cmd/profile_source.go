package cmd

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/symbol"
	"github.com/apisixscope/apisixscope/profile"
)

// openProfile joins the sampler and what names native code: bpf knows no symbols.
func openProfile(ctx context.Context, o Sampling) (profile.Source, error) {
	asked := bpf.SampleOptions{Target: o.Target, Kind: o.Kind, Hz: o.Hz, StallsFrom: o.Stall, Swept: o.Swept, Log: o.Log}
	if o.Bare {
		return bpf.OpenSampler(ctx, asked)
	}
	names := &nativeNames{}
	asked.Names = names
	s, err := bpf.OpenSampler(ctx, asked)
	if err != nil {
		return nil, errors.Join(err, names.objects.Close())
	}
	return &namedSource{s, names}, nil
}

// namedSource is a sampler with the objects that its names are from.
type namedSource struct {
	profile.Source
	names *nativeNames
}

func (s *namedSource) Close() error { return errors.Join(s.Source.Close(), s.names.objects.Close()) }

// nativeNames is a bpf.Namer.
type nativeNames struct {
	objects symbol.Objects
	once    sync.Once
	kernel  *symbol.Kernel
}

type objectNames struct{ *symbol.Object }

func (o objectNames) Name(address uint64) string { return o.Object.Name(address).Name }

func (n *nativeNames) Open(file io.ReaderAt, path string, roots []string) (bpf.ObjectNames, error) {
	o, err := n.objects.Open(file, symbol.Source{Path: path, Roots: roots})
	if err != nil {
		return nil, err
	}
	return objectNames{o}, nil
}

// Kernel reads the kernel's symbols when the first one is asked for. Where they are hidden, a
// nil Kernel names them all the same.
func (n *nativeNames) Kernel(address uint64) string {
	n.once.Do(func() { n.kernel, _ = symbol.ReadKernel() })
	return n.kernel.Name(address).Name
}
