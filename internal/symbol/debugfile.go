package symbol

import (
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// debugDir is where distributions install debug files, below a root.
const debugDir = "usr/lib/debug/.build-id"

// openDebug opens the debug file of an object below the first root that has it, or
// returns nil. One that needs none, because it has its own symbols, gets none. The
// file is opened now, since a root in /proc goes away with its process.
func openDebug(img *image, id string, roots []string) io.ReaderAt {
	if len(id) < 4 || img.sectionOf(elf.SHT_SYMTAB) != nil {
		return nil
	}
	for _, root := range roots {
		file, err := openBelow(root, filepath.Join(debugDir, id[:2], id[2:]+".debug"))
		if err != nil {
			continue
		}
		if d, err := readImage(file); err == nil && d.buildID() == id {
			return file
		}
		file.Close()
	}
	return nil
}

// openBelow opens a regular file below root. It does not follow links out of root:
// in a container's file system an absolute one means the container's own, and
// would lead to ours. A FIFO must not block it.
func openBelow(root, name string) (*os.File, error) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	file, err := dir.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if st, err := file.Stat(); err != nil || !st.Mode().IsRegular() {
		file.Close()
		return nil, os.ErrInvalid
	}
	return file, nil
}
