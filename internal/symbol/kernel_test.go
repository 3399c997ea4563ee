package symbol

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/hint"
)

// recorded reads an excerpt of /proc/kallsyms.
func recorded(t *testing.T, name string) (*Kernel, error) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return readKernel(bytes.NewReader(data))
}

func TestKernelNames(t *testing.T) {
	k, err := recorded(t, "kallsyms.txt")
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[uint64]string{
		0xffffffff80ffffff: "[kernel]!0xffffffff80ffffff",
		0xffffffff81000000: "startup_64", // not _text, not _stext
		0xffffffff8100006f: "startup_64",
		0xffffffff81000070: "secondary_startup_64",
		0xffffffff8132a3cf: "__pfx_ep_poll",
		0xffffffff8132a3d0: "ep_poll",
		0xffffffff8132a82f: "ep_poll",
		0xffffffff8132a830: "__x64_sys_epoll_wait",
		0xffffffff8132aa10: "arch_weak",
		0xffffffff8132aa7f: "other_weak",
		0xffffffff8132aa80: "[kernel]!0xffffffff8132aa80", // data
		0xffffffff82200000: "[kernel]!0xffffffff82200000",
		0xffffffffc0601000: "[nf_nat] nf_nat_ipv4_fn",
		0xffffffffc060107f: "[nf_nat] nf_nat_ipv4_fn",
		0xffffffffc060134f: "[nf_nat] nf_nat_inet_fn",
		0xffffffffc0601350: "[kernel]!0xffffffffc0601350",
		0xffffffffc06a2010: "[bpf] bpf_prog_6deef7357e7b4530_sd_fw_egress",
		0xffffffffc06a4010: "[__builtin__ftrace] ftrace_trampoline",
		0xffffffffc06b4000: "[kernel]!0xffffffffc06b4000", // 64 KiB behind the last symbol
		0x1000:             "[kernel]!0x1000",             // a per-CPU offset
	} {
		if got := k.Name(addr); got.Name != want || got.Exact {
			t.Errorf("%#x is %+v, want %s", addr, got, want)
		}
	}
	want := Function{Name: "ep_poll", Symbol: "ep_poll", Start: 0xffffffff8132a3d0, Size: 0x460}
	if got := k.Name(0xffffffff8132a400); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestKernelThatHidesAddresses(t *testing.T) {
	k, err := recorded(t, "kallsyms-hidden.txt")
	if !errors.Is(err, ErrHidden) || k != nil {
		t.Fatalf("%v, %v, want ErrHidden", k, err)
	}
	if remedy := hint.Of(err); !strings.Contains(remedy, "CAP_SYSLOG") || !strings.Contains(remedy, "kptr_restrict") {
		t.Errorf("the remedy is %q", remedy)
	}
	if got := k.Name(0xffffffff81000000).Name; got != "[kernel]" {
		t.Errorf("a nil Kernel names %q", got)
	}
}

// This kernel's own table, compared with itself line by line.
func TestThisKernel(t *testing.T) {
	k, err := ReadKernel()
	if errors.Is(err, ErrHidden) || errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("/proc/kallsyms")
	if err != nil {
		t.Fatal(err)
	}
	names := map[uint64]string{} // NUL around each
	for line := range strings.Lines(string(data)) {
		var addr uint64
		var kind, name, module string
		n, _ := fmt.Sscanf(line, "%x %s %s %s", &addr, &kind, &name, &module)
		if module == "[bpf]" { // comes and goes
			continue
		}
		if n >= 3 && addr != 0 && strings.Contains("tTwW", kind) {
			names[addr] += "\x00" + strings.TrimSpace(module+" "+name) + "\x00"
		}
	}
	wrong := 0
	for addr, all := range names {
		if got := k.Name(addr); got.Start != addr || !strings.Contains(all, "\x00"+got.Symbol+"\x00") {
			wrong++
			t.Logf("%#x is %+v, want one of %q", addr, got, all)
		}
	}
	t.Logf("%d addresses, %d bytes of names", len(names), len(k.table.names))
	if wrong > 0 {
		t.Errorf("%d of %d are wrong", wrong, len(names))
	}
}

func FuzzKernel(f *testing.F) {
	data, err := os.ReadFile("testdata/kallsyms.txt")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("ffffffffffffffff T last\nfffffffffffffff0 t x\t[\n"))
	f.Add([]byte("1 T \n2  name\n3 T"))
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := readKernel(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, addr := range []uint64{0, 1, 0xffffffff81000000, 1<<64 - 1} {
			if k.Name(addr).Name == "" {
				t.Errorf("%#x has no name", addr)
			}
		}
		checkTable(t, k.table)
	})
}
