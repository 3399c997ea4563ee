package parts

// KeyPress is a key that was pressed.
type KeyPress struct {
	name string
	Text string // what it writes; empty for keys that write nothing
}

// NewKeyPress returns a key of a name such as "a", "space", "ctrl+c" or "shift+tab", and of
// what it writes.
func NewKeyPress(name, text string) KeyPress { return KeyPress{name, text} }

// String returns the key's name.
func (k KeyPress) String() string { return k.name }

// Paste is text that was pasted.
type Paste struct{ Content string }

// Click is a click of the mouse's left button.
type Click struct{ X, Y int }

// Wheel is a notch of the mouse's wheel.
type Wheel struct {
	X, Y int
	Up   bool
}
