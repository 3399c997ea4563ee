package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/apisixscope/apisixscope/internal/text"
)

// Column is a column of a table of cells.
type Column struct {
	Title  string
	Number bool // its cells stand to the right
	Max    int  // columns of the terminal for the longest cell; 0 means no limit
}

// Cells writes rows below their titles. Text is cleaned, and a cell longer than its column's
// limit is cut; an empty cell is "-". A table that is wider than the terminal has its widest
// columns cut, but none of less than 12.
func Cells(w io.Writer, columns []Column, rows [][]string, o Options) error {
	const least = 12
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = text.Width(c.Title)
	}
	clean := make([][]string, len(rows))
	for n, row := range rows {
		clean[n] = make([]string, len(columns))
		for i, cell := range row {
			cell = text.Clean(cell)
			if cell == "" {
				cell = "-"
			}
			if most := columns[i].Max; most > 0 {
				cell = text.Truncate(cell, most)
			}
			clean[n][i] = cell
			widths[i] = max(widths[i], text.Width(cell))
		}
	}
	for over := total(widths) - o.width(); over > 0; over-- {
		widest := 0
		for i := range widths {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= least {
			break
		}
		widths[widest]--
	}
	titles := make([]string, len(columns))
	align := make([]tw.Align, len(columns))
	for i, c := range columns {
		titles[i], align[i] = c.Title, tw.AlignLeft
		if c.Number {
			align[i] = tw.AlignRight
		}
		for n := range clean {
			clean[n][i] = text.Truncate(clean[n][i], widths[i])
		}
	}
	return drawCells(w, titles, clean, align, o)
}

func drawCells(w io.Writer, titles []string, rows [][]string, align []tw.Align, o Options) error {
	var b strings.Builder
	table := plainTable(&b, align)
	table.Header(titles)
	if err := table.Bulk(rows); err != nil {
		return fmt.Errorf("draw table: %w", err)
	}
	if err := table.Render(); err != nil {
		return fmt.Errorf("draw table: %w", err)
	}
	var out strings.Builder
	look := dim // of the titles
	for line := range strings.Lines(b.String()) {
		p := &page{width: 1 << 16, color: o.Color}
		p.put(look, strings.TrimRight(line, " \n"))
		p.end()
		out.Write(p.buf)
		look = plain
	}
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// plainTable draws cells in columns, and nothing around them.
func plainTable(w io.Writer, align []tw.Align) *tablewriter.Table {
	cells := tw.CellConfig{
		Alignment:  tw.CellAlignment{PerColumn: align},
		Formatting: tw.CellFormatting{AutoWrap: tw.WrapNone, AutoFormat: tw.Off},
		Padding:    tw.CellPadding{Global: tw.Padding{Right: " ", Overwrite: true}},
	}
	return tablewriter.NewTable(w,
		tablewriter.WithHeaderConfig(cells), tablewriter.WithRowConfig(cells),
		tablewriter.WithRendition(tw.Rendition{
			Borders: tw.BorderNone, Symbols: tw.NewSymbols(tw.StyleNone),
			Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone},
		}),
		tablewriter.WithTrimSpace(tw.Off),
		tablewriter.WithEastAsian(tw.Off), // not what the locale says: see package text
	)
}

// total is the width of columns with a blank between any two.
func total(widths []int) int {
	sum := len(widths) - 1
	for _, w := range widths {
		sum += w
	}
	return sum
}
