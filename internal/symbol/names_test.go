package symbol

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// objects are files of the kinds that a gateway maps: those of this machine that
// exist are read, the rest is skipped.
var objects = []string{
	"/usr/sbin/nginx",
	"/usr/lib/nginx/modules/ngx_http_lua_module.so",
	"/lib/x86_64-linux-gnu/libc.so.6",
	"/lib/x86_64-linux-gnu/libcrypto.so.3",
	"/lib/x86_64-linux-gnu/libluajit-5.1.so.2",
	"/lib/x86_64-linux-gnu/libstdc++.so.6",
}

// eachObject runs test on every object, with its own symbols and then, if it has a
// debug file, with those of that file.
func eachObject(t *testing.T, test func(t *testing.T, path string, o *Object, debug string)) {
	for _, path := range objects {
		for _, roots := range [][]string{nil, {"/"}} {
			file, err := os.Open(path)
			if err != nil {
				t.Logf("%s: not on this machine", path)
				break
			}
			o, err := Open(file, Source{Path: path, Roots: roots})
			if err != nil {
				t.Fatal(err)
			}
			name, debug := baseName(path), ""
			if d, ok := o.debug.(*os.File); ok {
				debug = "/" + debugDir + "/" + o.BuildID()[:2] + "/" + o.BuildID()[2:] + ".debug"
				name += " with " + d.Name()
			} else if roots != nil {
				o.Close()
				continue
			}
			t.Run(name, func(t *testing.T) { test(t, path, o, debug) })
		}
	}
}

// run returns the lines that a tool prints, or skips the test without the tool.
func run(t *testing.T, tool string, args ...string) []string {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		t.Skipf("%s is not installed", tool)
	}
	out, err := exec.Command(tool, args...).Output()
	if err != nil {
		t.Fatalf("%s %s: %v", tool, strings.Join(args, " "), err)
	}
	var lines []string
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines
}

// A fact is what readelf says of a function.
type fact struct {
	start, size uint64
	kind, bind  string
	name        string
}

// readelf lists the functions of a file and of its debug file.
func readelf(t *testing.T, files ...string) []fact {
	t.Helper()
	var all []fact
	for _, file := range files {
		if file == "" {
			continue
		}
		for _, line := range run(t, "readelf", "-sW", file) {
			f := strings.Fields(line)
			if len(f) < 8 || f[3] != "FUNC" && f[3] != "IFUNC" || f[6] == "UND" || f[6] == "ABS" {
				continue
			}
			start, err := strconv.ParseUint(f[1], 16, 64)
			if err != nil {
				t.Fatal(line)
			}
			size, err := strconv.ParseUint(f[2], 0, 64)
			if err != nil {
				t.Fatal(line)
			}
			name, _, _ := strings.Cut(f[7], "@@")
			all = append(all, fact{start, size, f[3], f[4], name})
		}
	}
	return all
}

// best is the room's preference once more, over the functions that cover an
// address: the last to begin, and of those the first by a key that sorts.
func best(cover []fact) fact {
	key := func(f fact) string {
		score := func(n int) string { return strconv.Itoa(10000 + n) }
		lead := len(f.name) - len(strings.TrimLeft(f.name, "_"))
		version := strings.Count(f.name, "@")
		bind := map[string]int{"GLOBAL": 0, "UNIQUE": 0, "WEAK": 1, "LOCAL": 2}[f.bind]
		return score(bind/2) + score(lead) + score(version) + score(bind) + score(len(f.name)) + f.name
	}
	return slices.MinFunc(cover, func(a, b fact) int {
		if a.start != b.start {
			return -truth(a.start > b.start) + truth(a.start < b.start)
		}
		return strings.Compare(key(a), key(b))
	})
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestEveryFunctionAgreesWithReadelf(t *testing.T) {
	eachObject(t, func(t *testing.T, path string, o *Object, debug string) {
		facts := readelf(t, path, debug)
		slices.SortFunc(facts, func(a, b fact) int { return -truth(a.start < b.start) + truth(a.start > b.start) })
		var widest uint64
		for _, f := range facts {
			widest = max(widest, f.size)
		}
		covering := func(addr uint64) (cover []fact) {
			i, _ := slices.BinarySearchFunc(facts, addr+1, func(f fact, a uint64) int {
				return -truth(f.start < a) + truth(f.start >= a)
			})
			for i--; i >= 0 && addr-facts[i].start < widest; i-- {
				if addr-facts[i].start < facts[i].size {
					cover = append(cover, facts[i])
				}
			}
			return cover
		}
		sized, after := 0, 0
		for _, f := range facts {
			if f.size == 0 {
				continue
			}
			sized++
			for _, addr := range []uint64{f.start, f.start + f.size/2, f.start + f.size - 1} {
				want := best(covering(addr))
				got := o.Name(addr)
				if got.Symbol != want.name || got.Start != want.start || !got.Exact {
					t.Fatalf("%#x is %+v, want %+v", addr, got, want)
				}
			}
			end := f.start + f.size
			if got := o.Name(end); len(covering(end)) == 0 {
				after++
				if got.Start <= f.start && got.Symbol != "" {
					t.Fatalf("%#x, behind %s, is %+v", end, f.name, got)
				}
			}
		}
		t.Logf("%d functions, %d of them with a gap behind", sized, after)
		if sized == 0 || after == 0 {
			t.Fatal("readelf knows no functions")
		}
	})
}

func TestDynamicNamesAgreeWithNM(t *testing.T) {
	// With a debug file, too: it changes no name that .dynsym has.
	eachObject(t, func(t *testing.T, path string, o *Object, _ string) {
		names := map[uint64][]string{}
		for _, line := range run(t, "nm", "-D", "--defined-only", "--with-symbol-versions", path) {
			if f := strings.Fields(line); len(f) == 3 && strings.Contains("TtWwi", f[1]) && f[2] != "data_start" {
				addr, _ := strconv.ParseUint(f[0], 16, 64)
				name, _, _ := strings.Cut(f[2], "@@")
				names[addr] = append(names[addr], name)
			}
		}
		for addr, of := range names {
			if got := o.Name(addr); !slices.Contains(of, got.Symbol) || got.Start != addr {
				t.Errorf("%#x is %+v, want one of %q", addr, got, of)
			}
		}
		if len(names) < 100 {
			t.Errorf("nm knows %d addresses", len(names))
		}
		t.Logf("%d addresses", len(names))
	})
}

func TestFramesAgreeWithReadelf(t *testing.T) {
	line := regexp.MustCompile(`FDE cie=.* pc=([0-9a-f]+)\.\.([0-9a-f]+)`)
	eachObject(t, func(t *testing.T, path string, o *Object, _ string) {
		o.Name(0)
		var want frames
		for _, l := range run(t, "readelf", "-wfN", path) {
			if m := line.FindStringSubmatch(l); m != nil {
				start, _ := strconv.ParseUint(m[1], 16, 64)
				end, _ := strconv.ParseUint(m[2], 16, 64)
				want = append(want, frame{start, end - start})
			}
		}
		slices.SortFunc(want, func(a, b frame) int { return -truth(a.start < b.start) + truth(a.start > b.start) })
		if !slices.Equal(o.frames, want) || len(want) < 100 {
			t.Fatalf("%d ranges, readelf has %d", len(o.frames), len(want))
		}
		t.Logf("%d ranges", len(want))
	})
}

func TestStubsAgreeWithObjdump(t *testing.T) {
	line := regexp.MustCompile(`^([0-9a-f]+) <(.+)@plt>:$`)
	eachObject(t, func(t *testing.T, path string, o *Object, _ string) {
		n := 0
		for _, l := range run(t, "objdump", "-d", "-j", ".plt", "-j", ".plt.got", path) {
			m := line.FindStringSubmatch(l)
			if m == nil {
				continue
			}
			addr, _ := strconv.ParseUint(m[1], 16, 64)
			want, _, _ := strings.Cut(m[2], "@") // the version of what is called
			for _, at := range []uint64{addr, addr + 6} {
				got := o.Name(at)
				if strings.HasPrefix(want, "*ABS*+0x") { // an IFUNC of the object itself
					resolver, _ := strconv.ParseUint(strings.TrimPrefix(want, "*ABS*+0x"), 16, 64)
					want = o.Name(resolver).Symbol
				}
				if got.Symbol != want+"@plt" || got.Start != addr || want == "" {
					t.Errorf("%#x is %+v, want %s@plt", at, got, want)
				}
			}
			n++
		}
		if n == 0 {
			t.Error("objdump knows no entries")
		}
		t.Logf("%d entries", n)
	})
}
