package unwind

import (
	"bytes"
	"debug/elf"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"testing"
)

// find returns the row that holds an address, as the kernel programs look it up.
func find(rows []Row, pc uint64) Row {
	i := sort.Search(len(rows), func(i int) bool { return uint64(rows[i].PC) > pc })
	if i == 0 {
		return Row{}
	}
	return rows[i-1]
}

func inOrder(pcs []uint64, byPC map[uint64]truth) []truth {
	slices.Sort(pcs)
	all := make([]truth, 0, len(pcs))
	for _, pc := range pcs {
		all = append(all, byPC[pc])
	}
	return all
}

func readRows(t testing.TB, path string) []Row {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := Rows(f)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// compare wants rows to say what readelf says, wherever either of them begins a row. It
// returns how many addresses it compared, and how many have no rule, by the reason.
func compare(t *testing.T, rows []Row, truths []truth) (compared int, none map[Reason]int) {
	t.Helper()
	none = map[Reason]int{}
	at, last := 0, truth{}
	wrong := map[string]int{}
	for _, pc := range boundaries(rows, truths) {
		for at < len(truths) && truths[at].pc <= pc {
			last = truths[at]
			at++
		}
		row := find(rows, pc)
		compared++
		if row.CFA == CFANone && last.covered {
			none[row.Reason()]++
		}
		if kind := differs(row, last); kind != "" {
			if wrong[kind]++; wrong[kind] == 1 {
				t.Errorf("%#x: %s: row %+v, readelf %+v", pc, kind, row, last)
			}
		}
	}
	for kind, n := range wrong {
		t.Errorf("%d times: %s", n, kind)
	}
	return compared, none
}

func boundaries(rows []Row, truths []truth) []uint64 {
	all := map[uint64]bool{}
	for _, r := range rows {
		all[uint64(r.PC)] = true
	}
	for _, r := range truths {
		all[r.pc] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// differs says in what a row is not as readelf has it, or nothing. A row without a rule must
// name the reason.
func differs(row Row, want truth) string {
	if !want.covered {
		if row != (Row{PC: row.PC}) {
			return "a row where there is no entry"
		}
		return ""
	}
	if row.CFA == CFAEnd || want.ra == "u" {
		if row.CFA != CFAEnd || want.ra != "u" {
			return "the end"
		}
		return ""
	}
	if row.CFA == CFANone {
		return noneDiffers(row, want)
	}
	if row.CFA == CFASignal && want.ra == "exp" {
		want.ra = "c-8"
	}
	cfa, fp := row.cells()
	switch want.fp {
	case "s":
		want.fp = "u"
	case "exp":
		want.fp = want.fpExpr
	}
	if want.cfa == "exp" {
		want.cfa = want.cfaExpr
	}
	switch {
	case cfa != want.cfa:
		return "CFA"
	case fp == "lost" && (want.fp[0] == 'r' || want.fp[0] == 'v'):
	case fp != want.fp && !(row.CFA == CFASignal && want.fp == "u"):
		return "frame pointer"
	case want.ra != "c-8":
		return "return address"
	}
	return ""
}

// noneDiffers wants a rule to be missing for the reason given, and no rule that there is a
// CFARule for.
func noneDiffers(row Row, want truth) string {
	simple := strings.HasPrefix(want.cfa, "rsp") || strings.HasPrefix(want.cfa, "rbp")
	switch row.Reason() {
	case OddReturn:
		if want.ra == "c-8" {
			return "no rule, but the return address is at CFA-8"
		}
	case OddCFA:
		if simple {
			return "no rule, but the CFA is simple"
		}
	default:
		return "no rule: " + row.Reason().String()
	}
	return ""
}

// TestRowsOfEachRule needs no tool: what readelf says of the object was recorded.
func TestRowsOfEachRule(t *testing.T) {
	out, err := os.ReadFile("testdata/rules.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows := readRows(t, "testdata/rules.so")
	n, none := compare(t, rows, readTruths(t, bytes.NewReader(out), "rbp"))
	if want := map[Reason]int{OddCFA: 2, OddReturn: 1}; n != 49 || !maps.Equal(none, want) {
		t.Errorf("compared %d, without a rule %v: want 49, %v", n, none, want)
	}
	kinds := map[CFARule]int{}
	for _, r := range rows {
		kinds[r.CFA]++
	}
	for kind := CFANone; kind <= CFASPIndexed; kind++ {
		if kinds[kind] == 0 && kind != CFAPLT {
			t.Errorf("no row has CFA rule %d", kind)
		}
	}
}

// objects are what a gateway maps on Debian; they differ elsewhere, and are not compared then.
var objects = []string{
	"/usr/sbin/nginx",
	"/usr/lib/x86_64-linux-gnu/libc.so.6",
	"/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
	"/usr/lib/x86_64-linux-gnu/libssl.so.3",
	"/usr/lib/x86_64-linux-gnu/libluajit-5.1.so.2",
	"/usr/lib/x86_64-linux-gnu/libpcre2-8.so.0",
	"/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
	"/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
	"/usr/lib/nginx/modules/ngx_http_lua_module.so",
}

// TestRowsAgainstReadelf compares the rows of what a gateway maps, as far as it is installed
// here, at every address where a rule changes.
func TestRowsAgainstReadelf(t *testing.T) {
	for _, object := range objects {
		t.Run(filepath.Base(object), func(t *testing.T) {
			needObject(t, object)
			rows := readRows(t, object)
			n, none := compare(t, rows, readTruths(t, bytes.NewReader(dump(t, object)), "rbp"))
			odd := 0
			for _, k := range none {
				odd += k
			}
			t.Logf("%d rows, %d addresses compared; without a rule: %s", len(rows), n, reasons(none))
			if n < 100 || odd*1000 > n {
				t.Errorf("%d of %d addresses have no rule", odd, n)
			}
		})
	}
}

func reasons(none map[Reason]int) string {
	var s []string
	for _, r := range slices.Sorted(maps.Keys(none)) {
		s = append(s, fmt.Sprintf("%d (%v)", none[r], r))
	}
	if s == nil {
		return "0"
	}
	return strings.Join(s, ", ")
}

// dump returns what readelf says of an object, in the form of testdata/rules.txt.
func dump(t *testing.T, path string) []byte {
	t.Helper()
	var all []byte
	for _, what := range []string{"frames-interp", "frames"} {
		out, err := exec.Command("readelf", "--wide", "--debug-dump=no-follow-links,"+what, path).Output()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, out...)
	}
	return all
}

// needObject skips the test where there is no such object, or no readelf to read it, and
// fails it where APISIXSCOPE_NEED_BPF=1 promises both.
func needObject(t testing.TB, path string) {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("its objects are for another processor")
	}
	for _, need := range []error{haveTool("readelf"), haveFile(path)} {
		if need != nil && os.Getenv("APISIXSCOPE_NEED_BPF") == "1" {
			t.Fatal(need)
		}
		if need != nil {
			t.Skip(need)
		}
	}
}

func haveTool(name string) error {
	_, err := exec.LookPath(name)
	return err
}

func haveFile(path string) error {
	_, err := os.Stat(path)
	return err
}

// TestGatewayRowsAreCompared fails where TestRowsAgainstReadelf may not be skipped: a full
// run has what a gateway maps, and readelf.
func TestGatewayRowsAreCompared(t *testing.T) {
	for _, object := range objects {
		t.Run(filepath.Base(object), func(t *testing.T) { needObject(t, object) })
	}
}
