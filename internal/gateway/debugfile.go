package gateway

import (
	"bytes"
	"debug/elf"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

const debugDir = "/usr/lib/debug"

// findDebugFile looks for the debug file of the object f, which its process sees at
// name, below each root: by build id, then by .gnu_debuglink, in the order of GDB
// ("Separate Debug Files" in its manual). It returns a path that opens the
// file, or "".
func findDebugFile(f *elf.File, name string, roots []string) string {
	id := buildID(f)
	link, sum := debugLink(f)
	for _, root := range roots {
		if len(id) > 2 {
			path := filepath.Join(root, debugDir, ".build-id", id[:2], id[2:]+".debug")
			if sameBuild(path, id) {
				return path
			}
		}
		if link == "" {
			continue
		}
		dir := filepath.Dir(name)
		for _, path := range []string{
			filepath.Join(root, dir, link),
			filepath.Join(root, dir, ".debug", link),
			filepath.Join(root, debugDir, dir, link),
		} {
			if sameBuild(path, id) || sameSum(path, sum) {
				return path
			}
		}
	}
	return ""
}

// debugLink reads .gnu_debuglink: a file name, padding to four bytes, the CRC-32 of
// the file.
func debugLink(f *elf.File) (name string, sum uint32) {
	s := f.Section(".gnu_debuglink")
	if s == nil || s.Size > 4096 {
		return "", 0
	}
	data, err := s.Data()
	if err != nil || len(data) < 8 {
		return "", 0
	}
	end := bytes.IndexByte(data, 0)
	if end <= 0 || end > len(data)-4 {
		return "", 0
	}
	// Only a bare name is a link; a path could lead anywhere.
	name = string(data[:end])
	if name != filepath.Base(name) {
		return "", 0
	}
	return name, f.ByteOrder.Uint32(data[len(data)-4:])
}

func sameBuild(path, id string) bool {
	if id == "" {
		return false
	}
	f, closeFile, err := openELF(path)
	if err != nil {
		return false
	}
	defer closeFile()
	return buildID(f) == id
}

func sameSum(path string, sum uint32) bool {
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() {
		return false
	}
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	h := crc32.NewIEEE()
	if _, err := io.Copy(h, file); err != nil {
		return false
	}
	return h.Sum32() == sum
}

// attachDebug finds o's debug file and adds its functions. Having none is usual and no
// error.
func (o *Object) attachDebug(roots []string) {
	f, closeFile, err := openELF(o.Path)
	if err != nil {
		return
	}
	defer closeFile()
	path := findDebugFile(f, o.Name, roots)
	if path == "" {
		return
	}
	debug, closeDebug, err := openELF(path)
	if err != nil {
		return
	}
	defer closeDebug()
	o.Debug = path
	_ = o.addSymbols(f, debug) // what could be read is kept; .dynsym is there anyway
}
