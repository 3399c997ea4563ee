package luajit

import "fmt"

// names says what calls are, leaf first: "leaf workload.lua:18", "table.sort".
func names(r *Reader, calls []Call) []string {
	var all []string
	for _, c := range calls {
		switch f, ok := r.Frame(c.Proto, c.PC); {
		case c.Proto != 0 && ok:
			all = append(all, fmt.Sprintf("%s:%d", f.Name, f.Line))
		case c.Proto != 0:
			all = append(all, "unreadable")
		default:
			name, ok := r.CFunction(c)
			if !ok {
				name = fmt.Sprintf("C:%d", c.FFID)
			}
			all = append(all, name)
		}
	}
	return all
}
