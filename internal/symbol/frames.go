package symbol

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"slices"
	"sort"
)

// frames are the ranges of an object's call frame entries, sorted by start. The
// compiler writes one for each function, exported or not, and no strip removes
// them, since exceptions and debuggers unwind by them.
type frames []frame

type frame struct {
	start uint64
	size  uint64
}

// find returns the range that holds addr.
func (f frames) find(addr uint64) (start, size uint64, ok bool) {
	i := sort.Search(len(f), func(i int) bool { return f[i].start > addr })
	if i == 0 || addr-f[i-1].start >= f[i-1].size {
		return 0, 0, false
	}
	return f[i-1].start, f[i-1].size, true
}

// limit returns where code that begins at addr ends at the latest: with the range
// that holds it, else where the next one begins, and no later than its segment.
func (f frames) limit(img *image) func(addr uint64) uint64 {
	return func(addr uint64) uint64 {
		end, ok := img.code(addr)
		if !ok {
			return addr
		}
		i := sort.Search(len(f), func(i int) bool { return f[i].start > addr })
		if i > 0 && addr-f[i-1].start < f[i-1].size {
			return min(end, f[i-1].start+f[i-1].size)
		}
		if i < len(f) {
			return min(end, f[i].start)
		}
		return end
	}
}

// readFrames reads the ranges of .eh_frame. The search table in .eh_frame_hdr has
// where they begin and not where they end.
func readFrames(img *image) frames {
	data, addr := img.ehFrame()
	r := ehReader{data: data, addr: addr}
	var all frames
	for r.next() {
		f, ok := r.frame()
		if !ok {
			continue
		}
		if end, ok := img.code(f.start); ok && f.size > 0 && f.size <= end-f.start {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b frame) int { return cmp.Compare(a.start, b.start) })
	return slices.Clip(all)
}

// ehFrame returns .eh_frame and its address. Without section headers, as in memory,
// the header's pointer says where it begins, and it is read to its segment's end.
func (img *image) ehFrame() ([]byte, uint64) {
	if s := img.section(".eh_frame"); s != nil {
		data, err := img.data(s, maxSection)
		if err != nil {
			return nil, 0
		}
		return data, s.Addr
	}
	for _, p := range img.programs {
		if elf.ProgType(p.Type) != elf.PT_GNU_EH_FRAME {
			continue
		}
		// Version 1, encoding of the pointer: pcrel | sdata4 by every linker.
		header, err := img.read(p.Off, 8, 8)
		if err != nil || header[0] != 1 || header[1] != 0x1b {
			return nil, 0
		}
		addr := p.Vaddr + 4 + uint64(int32(binary.LittleEndian.Uint32(header[4:])))
		return img.loaded(addr), addr
	}
	return nil, 0
}

// loaded reads from an address to the end of what the file has of its segment, or
// maxSection bytes of it.
func (img *image) loaded(addr uint64) []byte {
	for _, p := range img.programs {
		if elf.ProgType(p.Type) != elf.PT_LOAD || addr < p.Vaddr || addr-p.Vaddr >= p.Filesz {
			continue
		}
		into := addr - p.Vaddr
		data, err := img.read(p.Off+into, min(p.Filesz-into, maxSection), maxSection)
		if err != nil {
			return nil
		}
		return data
	}
	return nil
}
