package trace
// placeholder
type Assembler struct{ show func(*Exchange) error }
func NewAssembler(show func(*Exchange) error) *Assembler { return &Assembler{show} }
func (a *Assembler) Add(e Event) error { return nil }
func (a *Assembler) Flush() error { return nil }
