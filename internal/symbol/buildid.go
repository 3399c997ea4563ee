package symbol

import (
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
)

// noteBuildID is NT_GNU_BUILD_ID of <elf.h>.
const noteBuildID = 3

// maxNotes bounds a table of notes, in bytes: kernels have hundreds.
const maxNotes = 64 << 10

// buildID returns the object's build id in hexadecimal, or "". A debug file has it
// in a section only, an object whose sections were cut off in a segment only.
func (img *image) buildID() string {
	if b, err := img.data(img.section(".note.gnu.build-id"), maxNotes); err == nil {
		if id := findBuildID(b, 4); id != "" {
			return id
		}
	}
	for _, p := range img.programs {
		if elf.ProgType(p.Type) != elf.PT_NOTE {
			continue
		}
		b, err := img.read(p.Off, p.Filesz, maxNotes)
		if err != nil {
			continue
		}
		if id := findBuildID(b, p.Align); id != "" {
			return id
		}
	}
	return ""
}

// findBuildID goes through notes: sizes of name and descriptor, type, name,
// descriptor, each of the last two padded to the table's alignment.
func findBuildID(notes []byte, align uint64) string {
	if align != 8 {
		align = 4
	}
	padded := func(n uint32) uint64 { return (uint64(n) + align - 1) &^ (align - 1) }
	for len(notes) >= 12 {
		size := binary.LittleEndian.Uint32(notes[4:])
		kind := binary.LittleEndian.Uint32(notes[8:])
		// The name of four bytes needs no padding of its own.
		nameSize := (uint64(binary.LittleEndian.Uint32(notes)) + 3) &^ 3
		from := 12 + nameSize
		if align == 8 {
			from = (from + 7) &^ 7
		}
		if from+uint64(size) > uint64(len(notes)) {
			return ""
		}
		if kind == noteBuildID && string(notes[12:12+min(nameSize, 4)]) == "GNU\x00" && size > 1 && size <= 64 {
			return hex.EncodeToString(notes[from : from+uint64(size)])
		}
		notes = notes[min(from+padded(size), uint64(len(notes))):]
	}
	return ""
}
