package bpf

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/gob"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/luajit"
)

const walkPage = 4096

// image is the memory of a process that internal/luajit has recorded for its own tests.
type image struct {
	Symbols     luajit.Symbols
	Interpreter luajit.Range
	State, IP   uint64
	Pages       map[uint64][]byte
}

func openImage(t *testing.T, path string) *image {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	m := &image{}
	if err := gob.NewDecoder(z).Decode(m); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *image) ReadAt(p []byte, addr int64) (int, error) {
	for n := 0; n < len(p); {
		at := uint64(addr) + uint64(n)
		page, known := m.Pages[at/walkPage]
		if !known {
			return n, io.ErrUnexpectedEOF
		}
		n += copy(p[n:], page[at%walkPage:])
	}
	return len(p), nil
}

func (m *image) ReadFile(string) ([]byte, error) { return nil, os.ErrNotExist }

// compileWalk compiles luawalk.bpf.c for this machine, with what finds reads beyond bounds
// where the compiler has that.
func compileWalk(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "walk")
	args := []string{"-O1", "-g", "-Wall", "-Werror", "-Wno-unused-function", "-D__TARGET_ARCH_x86", "-o", program, "testdata/walk.c"}
	for _, compiler := range []string{"gcc", "clang-14", "cc"} {
		if _, err := exec.LookPath(compiler); err != nil {
			continue
		}
		for _, with := range [][]string{{"-fsanitize=address,undefined", "-fno-sanitize-recover=all"}, nil} {
			out, err := exec.Command(compiler, append(with, args...)...).CombinedOutput()
			if err == nil {
				return program
			}
			t.Logf("%s %v: %v\n%s", compiler, with, err, out)
		}
		t.Fatal("the walk does not compile for user space")
	}
	t.Skip("no C compiler")
	return ""
}

// walk runs the compiled walk over an image. It returns its frames as lines.
func (m *image) walk(t *testing.T, program string, vm *luajit.VM) []string {
	t.Helper()
	var in bytes.Buffer
	l := &vm.Layout
	numbers := sorted(m.Pages)
	for _, v := range []uint64{m.State, m.IP, vm.Global, uint64(l.Global.CurL), uint64(l.Global.JITBase), uint64(vmStateOffset(l)),
		m.Interpreter.Start, m.Interpreter.End, uint64(len(numbers))} {
		binary.Write(&in, binary.LittleEndian, v)
	}
	for _, n := range numbers {
		binary.Write(&in, binary.LittleEndian, n)
		in.Write(m.Pages[n])
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = &in, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("walk: %v\n%s", err, stderr.String())
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func sorted(pages map[uint64][]byte) []uint64 { return slices.Sorted(maps.Keys(pages)) }

// TestWalkImages walks recorded Lua stacks with the kernel's program, and compares the
// frames with those that internal/luajit reads.
func TestWalkImages(t *testing.T) {
	program := compileWalk(t)
	paths, err := filepath.Glob("../internal/luajit/testdata/*.gz")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no images: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			m := openImage(t, path)
			vm, err := luajit.Finder{Memory: m, Interpreter: m.Interpreter, Arch: "amd64"}.FromState(m.State)
			if err != nil {
				t.Fatal(err)
			}
			calls, err := luajit.NewReader(vm, m).Stack(luajit.Point{State: m.State, IP: m.IP})
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, c := range calls {
				want = append(want, fmt.Sprintf("%x", max(c.Proto, c.C)))
			}
			var got []string
			for _, line := range m.walk(t, program, &vm) {
				var kind sampleFrameKind
				var address, aux uint64
				var more, flags uint32
				if _, err := fmt.Sscanf(line, "%d %x %x %d %d", &kind, &address, &aux, &more, &flags); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				if kind == sampleFrameKindFRAME_ERROR {
					// The C stack is not in the image.
					if sampleCause(more) != sampleCauseCAUSE_STACK {
						t.Errorf("cause %d at %x", more, address)
					}
					continue
				}
				got = append(got, fmt.Sprintf("%x", address))
			}
			t.Logf("%d frames, the reader has %d", len(got), len(want))
			if len(got) < 2 || !slices.Equal(got, want) {
				t.Errorf("walked %s\nread   %s", strings.Join(got, " "), strings.Join(want, " "))
			}
		})
	}
}

// TestWalkHostile walks stacks that were written over: it ends, and reads nothing beyond.
func TestWalkHostile(t *testing.T) {
	program := compileWalk(t)
	m := openImage(t, "../internal/luajit/testdata/nginx-20230119.gz")
	vm, err := luajit.Finder{Memory: m, Interpreter: m.Interpreter, Arch: "amd64"}.FromState(m.State)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	numbers := sorted(m.Pages)
	for range 40 {
		c := *m
		c.Pages = map[uint64][]byte{}
		for n, page := range m.Pages {
			c.Pages[n] = slices.Clone(page)
		}
		for range 2000 {
			page := c.Pages[numbers[random.IntN(len(numbers))]]
			page[random.IntN(len(page))] = byte(random.Uint32())
		}
		c.walk(t, program, &vm)
	}
}
