package symbol

import (
	"debug/elf"
	"encoding/binary"
)

// Symbol versions, as in "Symbol Versioning" of the Linux Standard Base.
const (
	versionHidden = 0x8000 // in .gnu.version: not the default
	versionBase   = 1      // the object itself
	versionFlag   = 1      // VER_FLG_BASE: a definition that names the object
)

// versions returns a function that gives the i-th symbol of .dynsym its version,
// if that is not the one that programs link to by default: realpath@GLIBC_2.2.5.
func (img *image) versions(names string) func(i int, name string) string {
	table, err := img.data(img.sectionOf(elf.SHT_GNU_VERSYM), maxSymbols*2)
	if err != nil {
		table = nil
	}
	defined := img.definedVersions(names)
	return func(i int, name string) string {
		if len(table) < 2*(i+1) {
			return name
		}
		v := binary.LittleEndian.Uint16(table[2*i:])
		if v&versionHidden == 0 {
			return name
		}
		if version := defined[v&^versionHidden]; version != "" {
			return name + "@" + version
		}
		return name
	}
}

// definedVersions reads the names of .gnu.version_d: a list of Elf64_Verdef, each
// with a list of Elf64_Verdaux, of which the first has the version's name.
func (img *image) definedVersions(names string) map[uint16]string {
	data, err := img.data(img.sectionOf(elf.SHT_GNU_VERDEF), maxSection)
	if err != nil {
		return nil
	}
	defined := map[uint16]string{}
	for len(data) >= 20 {
		flags := binary.LittleEndian.Uint16(data[2:])
		index := binary.LittleEndian.Uint16(data[4:])
		aux := uint64(binary.LittleEndian.Uint32(data[12:]))
		next := uint64(binary.LittleEndian.Uint32(data[16:]))
		if flags&versionFlag == 0 && index > versionBase && aux+4 <= uint64(len(data)) {
			defined[index] = text(names, binary.LittleEndian.Uint32(data[aux:]))
		}
		if next < 20 || next > uint64(len(data)) {
			break
		}
		data = data[next:]
	}
	return defined
}
