package tui

import (
	"io"
	"os"

	"github.com/charmbracelet/colorprofile"

	"github.com/apisixscope/apisixscope/tui/parts"
)

// fitted is a terminal to which colours are written as it can show them.
type fitted struct {
	*os.File // by which Bubble Tea knows that it is a terminal, and how large
	colors   io.Writer
}

func (f fitted) Write(b []byte) (int, error) { return f.colors.Write(b) }

// fit returns out for a terminal of that environment.
func fit(out io.Writer, env []string) io.Writer {
	file, ok := out.(*os.File)
	if !ok {
		return out
	}
	return fitted{file, colorprofile.NewWriter(file, env)}
}

// colorsOf says how many colours out can show, in that environment.
func colorsOf(out io.Writer, env []string) parts.Colors {
	switch p := colorprofile.Detect(out, env); {
	case p >= colorprofile.TrueColor:
		return parts.TrueColors
	case p >= colorprofile.ANSI256:
		return parts.IndexedColors
	case p >= colorprofile.ANSI:
		return parts.BasicColors
	}
	return parts.NoColors
}
