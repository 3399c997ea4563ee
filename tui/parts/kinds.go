package parts

import (
	"strconv"

	"github.com/apisixscope/apisixscope/profile"
)

// Colors is how many a terminal has.
type Colors uint8

// The kinds of terminals.
const (
	NoColors      Colors = iota
	BasicColors          // the sixteen of the terminal's own theme
	IndexedColors        // 256
	TrueColors
)

// FrameKind is how frames of a kind are drawn.
type FrameKind struct {
	Kind    profile.FrameKind
	Letter  string
	Name    string // for people
	fill    string // behind a name that is not coloured
	basic   Look   // with sixteen colours
	indexed [2]int // the colour behind the name, for a light background and for a dark one
	colors  [2]rgb // the same with true colours
}

// FrameKinds are those that a legend has, in its order.
var FrameKinds = []FrameKind{
	{profile.FrameLua, "L", "Lua", "─", "97;44", [2]int{153, 24}, [2]rgb{{0x9f, 0xc5, 0xf2}, {0x27, 0x59, 0x8f}}},
	{profile.FrameJIT, "J", "JIT", "═", "30;42", [2]int{151, 22}, [2]rgb{{0xa3, 0xd9, 0xa5}, {0x2b, 0x6a, 0x37}}},
	{profile.FrameC, "C", "C call", "┄", "30;46", [2]int{116, 30}, [2]rgb{{0xa2, 0xda, 0xdd}, {0x1d, 0x64, 0x69}}},
	{profile.FrameNative, "N", "native", "·", "30;47", [2]int{187, 239}, [2]rgb{{0xe2, 0xd9, 0xc8}, {0x54, 0x4e, 0x42}}},
	{profile.FrameRegex, "R", "regex", "~", "97;45", [2]int{183, 54}, [2]rgb{{0xd5, 0xb8, 0xf0}, {0x63, 0x3f, 0x89}}},
	{profile.FrameKernel, "K", "kernel", "#", "97;41", [2]int{216, 88}, [2]rgb{{0xf2, 0xad, 0x95}, {0x8c, 0x42, 0x30}}},
	{profile.FrameMissing, "?", "gap", ":", "30;43", [2]int{222, 100}, [2]rgb{{0xf4, 0xdf, 0x77}, {0x75, 0x64, 0x0f}}},
}

// allFrames is the root, and a group of samples.
var allFrames = FrameKind{"", "=", "all", "=", "97;100", [2]int{252, 236}, [2]rgb{{0xd3, 0xd8, 0xdf}, {0x3d, 0x44, 0x50}}}

func kindOf(k profile.FrameKind) *FrameKind {
	for i := range FrameKinds {
		if FrameKinds[i].Kind == k {
			return &FrameKinds[i]
		}
	}
	return &allFrames
}

// Look is that of a legend.
func (k *FrameKind) Look(c Colors, dark bool) Look { return k.look(c, dark, 0) }

type rgb [3]int

// The pages and inks that the colours are made for.
var (
	inks  = [2]rgb{{0x1b, 0x1f, 0x24}, {0xee, 0xf1, 0xf4}}
	pages = [2]rgb{{0xff, 0xff, 0xff}, {0x14, 0x17, 0x1b}}
)

// look has shades fade into the page, where there are enough colours for it.
func (k *FrameKind) look(of Colors, dark bool, shade int) Look {
	i, ink := 0, Look("38;5;234")
	if dark {
		i, ink = 1, "38;5;255"
	}
	switch of {
	case NoColors:
		return Bold
	case BasicColors:
		return k.basic
	case IndexedColors:
		return ink + ";48;5;" + Look(strconv.Itoa(k.indexed[i]))
	}
	c := k.colors[i]
	for j := range c {
		c[j] = (c[j]*(10-shade) + pages[i][j]*shade) / 10
	}
	return "38;2;" + inks[i].look() + ";48;2;" + c.look()
}

func (c rgb) look() Look {
	return Look(strconv.Itoa(c[0]) + ";" + strconv.Itoa(c[1]) + ";" + strconv.Itoa(c[2]))
}
