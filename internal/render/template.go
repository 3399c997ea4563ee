package render

// appendTemplate appends path with each segment that is an id as "{id}": a number, a
// UUID, or at least 16 hex digits with a decimal one among them. Requests for many things
// of one kind share a template.
func appendTemplate(b []byte, path string) []byte {
	for len(path) > 0 {
		end := 0
		for end < len(path) && path[end] != '/' {
			end++
		}
		if isID(path[:end]) {
			b = append(b, "{id}"...)
		} else {
			b = append(b, path[:end]...)
		}
		if end < len(path) {
			b = append(b, '/')
			end++
		}
		path = path[end:]
	}
	return b
}

func isID(s string) bool {
	digits, hex, dashes := 0, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits++
		case 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F':
			hex++
		case c == '-' && (i == 8 || i == 13 || i == 18 || i == 23):
			dashes++
		default:
			return false
		}
	}
	switch dashes {
	case 0:
		return digits == len(s) && digits > 0 || digits > 0 && len(s) >= 16
	case 4:
		return len(s) == 36
	}
	return false
}
