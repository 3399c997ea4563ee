package render

import "strings"

// dump writes bytes as hexdump -C does, 16 a line.
func dump(b []byte) string {
	const digits = "0123456789abcdef"
	var out strings.Builder
	for at := 0; at < len(b); at += 16 {
		row := b[at:min(at+16, len(b))]
		for shift := 12; shift >= 0; shift -= 4 {
			out.WriteByte(digits[at>>shift&0xf])
		}
		for i := range 16 {
			if i%8 == 0 {
				out.WriteByte(' ')
			}
			if i >= len(row) {
				out.WriteString("   ")
				continue
			}
			out.WriteByte(' ')
			out.WriteByte(digits[row[i]>>4])
			out.WriteByte(digits[row[i]&0xf])
		}
		out.WriteString("  |")
		for _, c := range row {
			if c < ' ' || c > '~' {
				c = '.'
			}
			out.WriteByte(c)
		}
		out.WriteString("|\n")
	}
	return out.String()
}
