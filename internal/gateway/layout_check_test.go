package gateway

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// requestSignature is NGX_HTTP_MODULE, "HTTP": every request begins with it.
const requestSignature = 0x50545448

// check verifies that an ngx_http_request_t lies at address r of a process, as far as l can
// tell; read fills p from the process's memory at addr. The error names the first field
// that makes no sense: then l is not the layout of that process.
func (l Layout) check(read func(addr uint64, p []byte) error, r uint64) error {
	word := func(what string, addr uint64, size int) (uint64, error) {
		var p [8]byte
		if err := read(addr, p[:size]); err != nil {
			return 0, fmt.Errorf("read %s at %#x: %w", what, addr, err)
		}
		return binary.LittleEndian.Uint64(p[:]), nil
	}
	signature := func(what string, r uint64) error {
		v, err := word(what, r+uint64(l.Request.Signature), 4)
		if err == nil && v != requestSignature {
			err = fmt.Errorf("%s is %#x at %#x: want %#x", what, v, r, requestSignature)
		}
		return err
	}
	pointer := func(what string, addr uint64) (uint64, error) {
		v, err := word(what, addr, 8)
		if err == nil && (v == 0 || v%8 != 0) {
			err = fmt.Errorf("%s is %#x: not a pointer", what, v)
		}
		return v, err
	}

	if err := signature("signature", r); err != nil {
		return err
	}
	connection, err := pointer("connection", r+uint64(l.Request.Connection))
	if err != nil {
		return err
	}
	// 9, 1000, 1001, 2000, 3000 are NGX_HTTP_VERSION_9 to _30.
	version, err := word("http_version", r+uint64(l.Request.HTTPVersion), 8)
	if err != nil {
		return err
	}
	if !slices.Contains([]uint64{9, 1000, 1001, 2000, 3000}, version) {
		return fmt.Errorf("http_version is %d", version)
	}
	main, err := pointer("main", r+uint64(l.Request.Main))
	if err != nil {
		return err
	}
	if err := signature("signature of main", main); err != nil {
		return err
	}
	// ngx_connection_t.fd is an int; -1 is the Lua module's fake connection.
	v, err := word("connection.fd", connection+uint64(l.Connection.FD), 4)
	if err != nil {
		return err
	}
	const maxFD = 1 << 26 // beyond any fs.nr_open in use
	if fd := int32(uint32(v)); fd < -1 || fd > maxFD {
		return fmt.Errorf("connection.fd is %d", fd)
	}
	return nil
}
