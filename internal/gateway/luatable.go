package gateway

import "strings"

// LuaJIT's values and tables with GC64 (lj_obj.h): a value's type is in its upper 17 bits,
// a pointer in the lower 47.
const (
	luaPointer = 1<<47 - 1
	luaString  = 0x1fffb
	luaTable   = 0x1fff4

	luaTabNode  = 40 // of GCtab
	luaTabHmask = 52
	luaNodeSize = 24 // val, key, next
	luaStrLen   = 20 // of GCstr, with the bytes behind it
	luaStrBytes = 24

	// luaNodesMost is the size up to which a table may be the registry: what the programs look at.
	luaNodesMost = 512
	// registrytv lies at 272 of global_State in all releases that were seen.
	luaRegistryFirst, luaRegistryLast = 128, 512
)

// ctxTables is the key under which lua-resty-core keeps the ngx.ctx of all requests.
const ctxTables = "ngx_lua_ctx_tables"

// registryOffset finds registrytv in a global_State: the table that has ctxTables. It
// returns 0 when there is none.
func registryOffset(mem *procMemory, global uint64) uint32 {
	for at := uint64(luaRegistryFirst); at <= luaRegistryLast; at += 8 {
		v := mem.word(global + at)
		if v>>47 == luaTable && hasKey(mem, v&luaPointer, ctxTables) {
			return uint32(at)
		}
		mem.err = nil // what is no table cannot be read
	}
	return 0
}

// hasKey reports whether the hash part of a table has a string key.
func hasKey(mem *procMemory, table uint64, key string) bool {
	node, nodes := mem.word(table+luaTabNode), mem.word(table+luaTabHmask)&0xffffffff+1
	if nodes > luaNodesMost {
		return false
	}
	for i := range nodes {
		k := mem.word(node + i*luaNodeSize + 8)
		if mem.err != nil {
			return false
		}
		if k>>47 == luaString && mem.luaString(k&luaPointer) == key {
			return true
		}
	}
	return false
}

// luaString reads a GCstr; at most 64 bytes of it.
func (m *procMemory) luaString(at uint64) string {
	n := min(m.word(at+luaStrLen)&0xffffffff, 64)
	var s strings.Builder
	for i := uint64(0); i < n; i += 8 {
		w := m.word(at + luaStrBytes + i)
		for j := i; j < min(i+8, n); j++ {
			s.WriteByte(byte(w >> (8 * (j - i))))
		}
	}
	return s.String()
}
