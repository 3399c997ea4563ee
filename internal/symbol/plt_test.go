package symbol

import (
	"debug/elf"
	"testing"
)

// Every kind of PLT: lazily bound, with Intel's CET, which splits it in two, and
// arm64's, with and without BTI and pointer authentication. objdump says the same
// of the recorded objects. The resolver of pick is static: stripped, it has no name.
func TestStubs(t *testing.T) {
	for _, c := range []struct {
		object, section string
		header, entry   uint64 // bytes
		names           []string
	}{
		{"tiny", ".plt", 16, 16, []string{"getpid", "puts", "pick"}},
		{"tiny-stripped", ".plt", 16, 16, []string{"getpid", "puts", ""}},
		{"tiny-ibt", ".plt", 16, 16, []string{"getpid", "puts", ""}},
		{"tiny-ibt", ".plt.sec", 0, 16, []string{"getpid", "puts", ""}},
		{"tiny-arm64", ".plt", 32, 16, []string{"getpid", "puts", "pick"}},
		{"tiny-arm64-bti", ".plt", 32, 24, []string{"getpid", "puts", "pick"}},
	} {
		path := "testdata/" + c.object + ".so"
		f, err := elf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		s := f.Section(c.section)
		if want := c.header + c.entry*uint64(len(c.names)); s.Size != want {
			t.Fatalf("%s: %s has %d bytes, want %d", path, c.section, s.Size, want)
		}
		o := openTiny(t, path)
		for off := range s.Size {
			got := o.Name(s.Addr + off)
			want, start := "", s.Addr+off
			if off >= c.header {
				want = c.names[(off-c.header)/c.entry]
				start -= (off - c.header) % c.entry
			}
			switch {
			case want == "" && got.Symbol != "",
				want != "" && got != Function{Name: want + "@plt", Symbol: want + "@plt", Start: start, Size: c.entry, Exact: true}:
				t.Errorf("%s: %s+%d is %+v, want %q", path, c.section, off, got, want)
			}
		}
	}
}

func TestNamesARM64(t *testing.T) {
	const path = "testdata/tiny-arm64.so"
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	o := openTiny(t, path)
	n := 0
	for _, s := range all {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC || s.Size == 0 {
			continue
		}
		if got := o.Name(s.Value + s.Size - 1); got.Start != s.Value || got.Size != s.Size || !got.Exact {
			t.Errorf("the end of %s is %+v", s.Name, got)
		}
		if _, _, ok := o.frames.find(s.Value); !ok && s.Name != "sized" {
			t.Errorf("%s has no call frames", s.Name)
		}
		n++
	}
	if n < 6 {
		t.Errorf("%d functions", n)
	}
}
