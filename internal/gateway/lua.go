package gateway

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
)

// findLua returns the object of pid that defines the Lua module: the executable
// itself for OpenResty, a loaded module for Debian's nginx, or nil.
func findLua(pid int, exe *Object) *Object {
	if _, ok := exe.Symbol(markLua); ok {
		return exe
	}
	file, err := os.Open(procPath(pid, "maps"))
	if err != nil {
		return nil
	}
	defer file.Close()
	for _, m := range codeMappings(file) {
		obj := openMarked(m.open(pid), markLua)
		if obj != nil {
			obj.Name, obj.rodata = m.path, nil
			obj.attachDebug(debugRoots(pid))
			return obj
		}
	}
	return nil
}

// A mapping is one executable mapping of a file.
type mapping struct {
	addresses string // as in /proc/PID/maps: "7f00-7f10"
	inode     uint64
	path      string // as the process sees it, without " (deleted)"
}

// codeMappings reads /proc/PID/maps (proc(5)) and returns the executable mappings
// of files, one for each file.
func codeMappings(maps io.Reader) []mapping {
	var found []mapping
	seen := map[uint64]bool{}
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		// address perms offset dev inode path; the path may hold blanks.
		f := strings.Fields(lines.Text())
		if len(f) < 6 || !strings.Contains(f[1], "x") {
			continue
		}
		inode, err := strconv.ParseUint(f[4], 10, 64)
		at := strings.IndexByte(lines.Text(), '/')
		if err != nil || inode == 0 || seen[inode] || at < 0 {
			continue
		}
		seen[inode] = true
		path := strings.TrimSuffix(lines.Text()[at:], " (deleted)")
		found = append(found, mapping{f[0], inode, path})
	}
	return found
}

// open returns a path that opens the mapped file: through the root of pid where
// it still is that file, else through map_files, which also opens a deleted or replaced
// one but needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN.
func (m mapping) open(pid int) string {
	path := procPath(pid, "root", m.path)
	if id, err := identify(path); err == nil && id.inode == m.inode {
		return path
	}
	if file := procPath(pid, "map_files", m.addresses); exists(file) {
		return file
	}
	return path
}
