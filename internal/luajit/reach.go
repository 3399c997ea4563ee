package luajit

import (
	"strings"
	"time"
)

const (
	// walkEvery is how often globals are walked again at most, because a name is missing.
	walkEvery = 5 * time.Second

	walkDepth   = 4       // package.loaded.MODULE.function
	walkTables  = 20_000  // that are looked at
	walkNodes   = 300_000 // of all of them
	nodesMost   = 1 << 16 // of one table
	keyMost     = 128     // bytes of a key
	tableHead   = 56
	tableNode   = 40 // GCtab.node, hmask
	tableHmask  = 52
	nodeSize    = 24 // val, key, next
	nodeKey     = 8
	loadedTable = "package.loaded."
)

// walk looks at the globals again, unless it did so a moment ago.
func (r *Reader) walk() bool {
	g := &r.globals
	if g.walks > 0 && r.now().Sub(g.walked) < walkEvery {
		return false
	}
	*g = globals{
		walks: g.walks + 1, walked: r.now(), byProto: map[uint64]function{}, byFunc: map[uint64]function{},
		byCode: map[uint64]string{}, byFFID: map[uint8]string{}, missed: g.missed,
	}
	if g.missed == nil {
		g.missed = map[uint64]bool{}
	}
	level := r.roots()
	seen := map[uint64]bool{}
	for _, t := range level {
		seen[t.at] = true
	}
	nodes := walkNodes
	// By levels, so that the shortest name wins.
	for range walkDepth {
		var below []named
		for _, t := range level {
			r.tables(t, &nodes, func(sub named) {
				if !seen[sub.at] && len(seen) < walkTables {
					seen[sub.at] = true
					below = append(below, sub)
				}
			})
		}
		level = below
	}
	return true
}

// named is an object and the name that leads to it.
type named struct {
	name string
	at   uint64
}

// roots returns _G, and the tables that no name leads to but that VMs keep at hand in
// global_State.gcroot: the metatables of cdata, which has the call of FFI functions, and of files.
func (r *Reader) roots() []named {
	const (
		gcrootMost = 64 // words behind jit_base
		udataFile  = 1  // UDTYPE_IO_FILE, at 10 of GCudata
		udataMeta  = 32
	)
	l := &r.vm.Layout
	roots := []named{{"", r.mem.word(r.vm.Main+uint64(l.State.Env)) & pointerMask}}
	for i := range uint64(gcrootMost) {
		at := r.mem.word(r.vm.Global + uint64(l.Global.JITBase) + 16 + 8*i)
		var head [tableHead]byte
		switch {
		case r.mem.object(at, gctTable, head[:]):
			if r.hasKey(head[:], "__call") {
				roots = append(roots, named{"ffi", at})
			}
		case r.mem.object(at, gctUdata, head[:]) && head[10] == udataFile:
			roots = append(roots, named{"io.file", word(head[:], udataMeta)})
		}
	}
	return roots
}

// hasKey reports whether the hash part of a small table has a key.
func (r *Reader) hasKey(table []byte, key string) bool {
	const most = 256
	n := uint64(half(table, tableHmask)) + 1
	if n > most {
		return false
	}
	for i := range n {
		k := r.mem.word(word(table, tableNode) + i*nodeSize + nodeKey)
		if k>>itypeShift != itypeString {
			continue
		}
		if text, ok := r.mem.text(k, keyMost); ok && text == key {
			return true
		}
	}
	return false
}

// tables names the functions in the hash part of a table, and calls sub for its tables.
func (r *Reader) tables(t named, nodes *int, sub func(named)) {
	var head [tableHead]byte
	if !r.mem.object(t.at, gctTable, head[:]) {
		return
	}
	n := int(half(head[:], tableHmask)) + 1
	if n > nodesMost || n > *nodes {
		return
	}
	*nodes -= n
	p := make([]byte, n*nodeSize)
	if !r.mem.read(word(head[:], tableNode), p) {
		return
	}
	for ; len(p) > 0; p = p[nodeSize:] {
		value, key := word(p, 0), word(p, nodeKey)
		if key>>itypeShift != itypeString {
			continue
		}
		kind := value >> itypeShift
		if kind != itypeFunc && kind != itypeTable {
			continue
		}
		name, ok := r.mem.text(key, keyMost)
		if !ok || name == "" {
			continue
		}
		if t.name != "" {
			name = t.name + "." + name
		}
		object := named{strings.TrimPrefix(name, loadedTable), value & pointerMask}
		if kind == itypeTable {
			sub(object)
		} else if c, ok := r.call(object.at, 0); ok {
			r.called(c, object.name)
		}
	}
}
