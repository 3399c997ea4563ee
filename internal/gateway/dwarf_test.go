package gateway

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fakeSource is a C program that has everything of a gateway but the gateway: the
// exported function, the version, structs with odd padding, and a forked child. It
// returns the offsets that gcc will give the fields.
func fakeSource() (source string, want map[string]uint32) {
	members := map[string][]string{}
	var types []string
	want = map[string]uint32{}
	var l Layout
	for tag := range l.fields() {
		name := typeOf(tag)
		if members[name] == nil {
			types = append(types, name)
			members[name] = []string{}
		}
		if _, field, _ := strings.Cut(tag, "."); field != name {
			members[name] = append(members[name], field)
		}
	}
	var b strings.Builder
	b.WriteString("#include <unistd.h>\n")
	for _, name := range types {
		// A unit that only declares the struct must not be taken for its definition.
		fmt.Fprintf(&b, "typedef struct fake_%s %s;\nstruct fake_%s {\n", name, name, name)
		at := uint32(0)
		for i, field := range members[name] {
			at += uint32(8 * (i%3 + 1))
			fmt.Fprintf(&b, "  char pad%d[%d]; long %s;\n", i, 8*(i%3+1), field)
			want[name+"."+field] = at
			at += 8
		}
		b.WriteString("};\n")
		fmt.Fprintf(&b, "%s *keep_%s;\n", name, name)
		want["sizeof."+name] = at
	}
	b.WriteString(`
const char *version = "nginx version: nginx/1.22.1\n";
const char *arguments = "configure arguments: --with-compat\n";
void ngx_http_free_request(void *r, long rc) { (void) r; (void) rc; }
static void __attribute__((noinline)) ngx_http_upstream_connect(void) { pause(); }
int main(void) { alarm(60); if (fork() == 0) alarm(60); ngx_http_upstream_connect(); return 0; }
`)
	return b.String(), want
}

// buildFake compiles the fake gateway, with debug information.
func buildFake(t *testing.T) (exe string, want map[string]uint32) {
	t.Helper()
	need(t, "gcc", "strip", "objcopy")
	dir := t.TempDir()
	source, want := fakeSource()
	if err := os.WriteFile(filepath.Join(dir, "fake.c"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	exe = filepath.Join(dir, "fake")
	tool(t, dir, "gcc", "-g", "-O0", "-no-pie", "-rdynamic", "-Wl,--build-id", "-o", exe, "fake.c")
	return exe, want
}

func tool(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

// runFake finds the fake gateway while it runs.
func runFake(t *testing.T, exe string) *Target {
	t.Helper()
	cmd := exec.Command(exe)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	var target *Target
	eventually(t, "the fake gateway has a child", func() bool {
		var err error
		target, err = Find(t.Context(), Query{PID: pid})
		return err == nil && len(target.Children) == 1
	})
	t.Cleanup(func() {
		for _, worker := range target.Workers() {
			if p, err := os.FindProcess(worker); err == nil {
				_ = p.Kill()
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return target
}

func wantLayout(t *testing.T, target *Target, want map[string]uint32) {
	t.Helper()
	var l Layout
	if err := l.set(want); err != nil {
		t.Fatal(err)
	}
	if target.Layout != l {
		t.Errorf("layout from %s is\n%+v: want\n%+v", target.LayoutSource, target.Layout, l)
	}
}

func TestLayoutFromDWARF(t *testing.T) {
	exe, want := buildFake(t)
	target := runFake(t, exe)
	wantLayout(t, target, want)
	if target.LayoutSource.Kind != LayoutDWARF {
		t.Errorf("layout is from %s", target.LayoutSource)
	}
	// Linked at 0x400000, so an offset in the file is not the address.
	f, err := elf.Open(exe)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, sym := range symbols {
		if sym.Name != "ngx_http_upstream_connect" {
			continue
		}
		if got, ok := target.Binary.Symbol(sym.Name); !ok || got != sym.Value-0x400000 {
			t.Errorf("%s is at %#x, %v: want %#x", sym.Name, got, ok, sym.Value-0x400000)
		}
		return
	}
	t.Error("the test's own symbol is missing")
}

func TestLayoutFromDebugFile(t *testing.T) {
	tests := []struct {
		name  string
		place string // of the debug file, from the directory of the executable
		id    bool   // keep the build id
		spoil bool   // change the debug file after linking it
		want  LayoutKind
	}{
		{"beside, by build id", "fake.debug", true, false, LayoutDebugFile},
		{"beside, by checksum", "fake.debug", false, false, LayoutDebugFile},
		{"in .debug", ".debug/fake.debug", false, false, LayoutDebugFile},
		{"of another build", "fake.debug", false, true, LayoutTable},
		{"elsewhere", "other/fake.debug", true, false, LayoutTable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			exe, want := buildFake(t)
			dir := filepath.Dir(exe)
			debug := filepath.Join(dir, tt.place)
			if err := os.MkdirAll(filepath.Dir(debug), 0o700); err != nil {
				t.Fatal(err)
			}
			if !tt.id {
				tool(t, dir, "objcopy", "--remove-section=.note.gnu.build-id", exe)
			}
			tool(t, dir, "strip", "--only-keep-debug", "-o", debug, exe)
			tool(t, dir, "strip", exe)
			tool(t, dir, "objcopy", "--add-gnu-debuglink="+debug, exe)
			if tt.spoil {
				tool(t, dir, "objcopy", "--remove-section=.comment", debug)
			}
			target := runFake(t, exe)
			if target.LayoutSource.Kind != tt.want {
				t.Fatalf("layout is from %s", target.LayoutSource)
			}
			_, static := target.Binary.Symbol("ngx_http_upstream_connect")
			if static != (tt.want == LayoutDebugFile) {
				t.Errorf("has the static function: %v", static)
			}
			if tt.want == LayoutDebugFile {
				wantLayout(t, target, want)
			}
		})
	}
}

// TestReadDWARFOfHalf wants no half layout: Debian's own nginx has no debug information,
// and a program that is no nginx lacks the structs.
func TestReadDWARFOfHalf(t *testing.T) {
	need(t, "gcc")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x.c"), []byte("typedef struct { long x; } ngx_str_t; ngx_str_t s; int main(void) { return 0; }"), 0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, dir, "gcc", "-g", "-o", "x", "x.c")
	if l, err := readDWARF(filepath.Join(dir, "x")); err == nil || l != (Layout{}) && !strings.Contains(err.Error(), "missing") {
		t.Errorf("got %+v, %v", l, err)
	}
}
