package render_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/internal/text"
)

func TestCellsGolden(t *testing.T) {
	columns := []render.Column{{Title: "ID"}, {Title: "NAME", Max: 24}, {Title: "COUNT", Number: true}, {Title: "PLUGINS"}}
	rows := [][]string{
		{"1", "日本語の名前", "7", ""},
		{"deepflow-apisix-demo", "a name that is longer than its column's limit", "1234567", "limit-count,key-auth,prometheus,opentelemetry"},
		{"\x1b[31mred", "two\nlines", "", strings.Repeat("x", 60)},
	}
	var b strings.Builder
	for _, width := range []int{1000, 120, 80, 40} {
		var out strings.Builder
		if err := render.Cells(&out, columns, rows, render.Options{Width: width}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if line = strings.TrimSuffix(line, "\n"); width >= 60 && text.Width(line) > width {
				t.Errorf("a line of %d columns at %d: %s", text.Width(line), width, line)
			}
		}
		b.WriteString(out.String() + "\n")
	}
	testrig.Golden(t, "cells.txt", b.String())
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestCellsTellWhenNothingIsWritten(t *testing.T) {
	err := render.Cells(full{}, []render.Column{{Title: "ID"}}, [][]string{{"1"}}, render.Options{})
	if err == nil || err.Error() != "write output: no space left on device" {
		t.Errorf("got %v", err)
	}
}
