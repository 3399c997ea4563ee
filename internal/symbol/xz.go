package symbol

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// maxUnpacked bounds what .gnu_debugdata unpacks to, in bytes.
const maxUnpacked = 32 << 20

var errXZ = errors.New("not an xz stream")

// unxz decompresses a .xz file of one stream. The container is read here, by "The
// .xz File Format" 1.2.1 of tukaani.org, and its contents by the lzma package: the
// xz package next to it allocates whatever dictionary a block asks for, up to
// 4 GiB.
func unxz(data []byte) ([]byte, error) {
	if len(data) < 12 || string(data[:6]) != "\xfd7zXZ\x00" || data[6] != 0 {
		return nil, errXZ
	}
	sum, size, err := checkOf(data[7])
	if err != nil {
		return nil, err
	}
	in := bytes.NewReader(data[12:])
	var out bytes.Buffer
	for {
		capacity, err := blockHeader(in)
		if err == io.EOF { // the index: no more blocks
			return out.Bytes(), nil
		}
		if err != nil {
			return nil, err
		}
		if err := block(in, &out, capacity, sum, size); err != nil {
			return nil, err
		}
	}
}

// checkOf returns the hash that a stream's blocks end with, and its size.
func checkOf(kind byte) (hash.Hash, int, error) {
	switch kind {
	case 0x00:
		return nil, 0, nil
	case 0x01:
		return crc32.NewIEEE(), 4, nil
	case 0x04:
		return crc64.New(crc64.MakeTable(crc64.ECMA)), 8, nil
	case 0x0a:
		return sha256.New(), 32, nil
	}
	return nil, 0, fmt.Errorf("%w: check %#x", errXZ, kind)
}

// blockHeader reads the header of a block that LZMA2 alone compressed, and returns
// the size of its dictionary, in bytes. It returns io.EOF before the index.
func blockHeader(in *bytes.Reader) (capacity int64, err error) {
	first, err := in.ReadByte()
	if err != nil {
		return 0, errXZ
	}
	if first == 0 {
		return 0, io.EOF
	}
	header := make([]byte, int(first)*4+3)
	if _, err := io.ReadFull(in, header); err != nil {
		return 0, errXZ
	}
	flags, rest := header[0], header[1:len(header)-4]
	if flags&0x3f != 0 {
		return 0, fmt.Errorf("%w: more than one filter", errXZ)
	}
	for _, bit := range []byte{0x40, 0x80} { // compressed and uncompressed size
		if flags&bit != 0 {
			_, n := binary.Uvarint(rest)
			if n <= 0 {
				return 0, errXZ
			}
			rest = rest[n:]
		}
	}
	if len(rest) < 3 || rest[0] != 0x21 || rest[1] != 1 {
		return 0, fmt.Errorf("%w: a filter other than LZMA2", errXZ)
	}
	if capacity, err = lzma.DecodeDictCap(rest[2]); err != nil {
		return 0, fmt.Errorf("%w: %w", errXZ, err)
	}
	return capacity, nil
}

// block decompresses a block's contents and reads the padding and check behind it.
func block(in *bytes.Reader, out *bytes.Buffer, capacity int64, sum hash.Hash, size int) error {
	// What lies further back than all there is cannot be referred to.
	capacity = min(max(capacity, lzma.MinDictCap), maxUnpacked)
	before, from := in.Len(), out.Len()
	r, err := lzma.Reader2Config{DictCap: int(capacity)}.NewReader2(in)
	if err != nil {
		return fmt.Errorf("decompress: %w", err)
	}
	room := int64(maxUnpacked - from)
	n, err := io.Copy(out, io.LimitReader(r, room+1))
	if err != nil {
		return fmt.Errorf("decompress: %w", err)
	}
	if n > room {
		return errTooLarge
	}
	tail := make([]byte, -(before-in.Len())&3+size)
	if _, err := io.ReadFull(in, tail); err != nil {
		return errXZ
	}
	if sum == nil {
		return nil
	}
	sum.Reset()
	sum.Write(out.Bytes()[from:])
	got, want := sum.Sum(nil), tail[len(tail)-size:]
	if size < 32 { // numbers are little-endian here, and big-endian from Sum
		for i := range size / 2 {
			got[i], got[size-1-i] = got[size-1-i], got[i]
		}
	}
	if !bytes.Equal(got, want) {
		return errors.New("decompress: wrong check sum")
	}
	return nil
}
