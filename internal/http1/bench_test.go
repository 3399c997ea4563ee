package http1_test

import (
	"testing"

	"github.com/apisixscope/apisixscope/internal/http1"
)

func TestParsingDoesNotAllocate(t *testing.T) {
	in, out, tls := []byte(browserHead), []byte(answerHead), []byte{0x16, 0x03, 0x01}
	var (
		q http1.Request
		a http1.Response
		n int
	)
	for name, f := range map[string]func(){
		"ParseRequest":  func() { _ = http1.ParseRequest(in, &q) },
		"ParseResponse": func() { _ = http1.ParseResponse(out, &a) },
		"a refusal":     func() { _ = http1.ParseRequest(tls, &q) },
		"Header":        func() { _, _ = http1.Header(in, "Traceparent") },
		"Headers": func() {
			for _, v := range http1.Headers(in) {
				n += len(v)
			}
		},
	} {
		if got := testing.AllocsPerRun(100, f); got != 0 {
			t.Errorf("%s allocates %v times", name, got)
		}
	}
}

func BenchmarkParseRequest(b *testing.B) {
	in := []byte(browserHead)
	var r http1.Request
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if http1.ParseRequest(in, &r) != nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkParseResponse(b *testing.B) {
	in := []byte(answerHead)
	var r http1.Response
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if http1.ParseResponse(in, &r) != nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkHeaders(b *testing.B) {
	in := []byte(browserHead)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		for _, v := range http1.Headers(in) {
			n += len(v)
		}
	}
}
