package testrig

import (
	"bytes"
	"math/rand/v2"
	"strings"
)

// A HeaderField is one line of a head, byte for byte. A head is a list of them: names may
// come twice, and order is kept.
type HeaderField struct{ Name, Value string }

// The most of a request's head that nginx takes by its defaults, which are APISIX's, and
// the most of a response's that the route of Headers takes.
const (
	MaxRequestFields  = 24 << 10
	MaxResponseFields = 100 << 10
)

// RandomFields draws up to 60 fields, of at most limit bytes together: some names twice,
// some values empty, of up to 2 KiB, of UTF-8, or with control characters. Both
// directions and protocols carry them unchanged through nginx, but that names are in lower
// case over HTTP/2. No value begins or ends with white space, which HTTP/1 takes away.
func RandomFields(r *rand.Rand, limit int) []HeaderField {
	var fields []HeaderField
	for range r.IntN(61) {
		f := HeaderField{Name: randomName(r), Value: randomValue(r)}
		if len(fields) > 0 && r.IntN(8) == 0 {
			f.Name = fields[r.IntN(len(fields))].Name
		}
		// What two lines need beside name and value.
		if limit -= len(f.Name) + len(f.Value) + 4; limit < 0 {
			break
		}
		fields = append(fields, f)
	}
	return fields
}

// randomName begins in a way that no name does to which nginx gives a meaning.
func randomName(r *rand.Rand) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	name := []byte("T-")
	for range 1 + r.IntN(30) {
		name = append(name, letters[r.IntN(len(letters))])
	}
	return string(name)
}

func randomValue(r *rand.Rand) string {
	size := r.IntN(40)
	switch r.IntN(6) {
	case 0:
		return ""
	case 1:
		size = r.IntN(2<<10 - 4)
	}
	var value strings.Builder
	kind := r.IntN(4)
	for value.Len() < size {
		switch {
		case kind == 0:
			value.WriteRune([]rune("äßЖ中文🙂é ")[r.IntN(8)])
		case kind == 1 && r.IntN(4) == 0:
			value.WriteByte(randomControl(r))
		case kind == 2 && r.IntN(8) == 0:
			value.WriteByte(byte(0x80 + r.IntN(0x80))) // no UTF-8
		default:
			value.WriteByte(byte(' ' + r.IntN(0x7f-' ')))
		}
	}
	return strings.Trim(value.String(), " \t")
}

// randomControl returns one of the control characters that nginx lets through.
func randomControl(r *rand.Rand) byte {
	for {
		c := byte(r.IntN(0x20))
		if r.IntN(32) == 0 {
			c = 0x7f
		}
		if bytes.IndexByte([]byte("\x00\r\n"), c) < 0 {
			return c
		}
	}
}
