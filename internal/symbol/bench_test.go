package symbol

import (
	"os"
	"testing"
)

// What an object costs: its headers when it is mapped, its symbols with the first
// address, and each address after that.
func BenchmarkObject(b *testing.B) {
	for _, path := range append([]string{"testdata/tiny-mini.so"}, objects...) {
		open := func(b *testing.B) *Object {
			file, err := os.Open(path)
			if err != nil {
				b.Skip(err)
			}
			o, err := Open(file, Source{Path: path, Roots: []string{"/"}})
			if err != nil {
				b.Fatal(err)
			}
			return o
		}
		b.Run("open/"+baseName(path), func(b *testing.B) {
			for b.Loop() {
				open(b).Close()
			}
		})
		b.Run("load/"+baseName(path), func(b *testing.B) {
			b.ReportAllocs()
			var o *Object
			for b.Loop() {
				o = open(b)
				o.Name(0)
			}
			b.ReportMetric(float64(24*len(o.table.pieces)+len(o.table.names)+16*len(o.frames)), "kept-B")
		})
		b.Run("name/"+baseName(path), func(b *testing.B) {
			o := open(b)
			o.Name(0)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i = (i + 997) % len(o.table.pieces)
				o.Name(o.table.pieces[i].start + 1)
			}
		})
	}
}

func BenchmarkKernel(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		k, err := ReadKernel()
		if err != nil {
			b.Skip(err)
		}
		b.ReportMetric(float64(24*len(k.table.pieces)+len(k.table.names)), "kept-B")
	}
}
