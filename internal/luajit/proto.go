package luajit

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// Offsets in GCproto (lj_obj.h).
const (
	protoSize     = 104
	protoSizeBC   = 12 // number of instructions; the first is the function's header
	protoK        = 32
	protoUV       = 40
	protoSizeAll  = 56 // sizept, with what lies behind the bytecode
	protoChunk    = 64
	protoFirst    = 72
	protoNumLine  = 76
	protoLineInfo = 80
)

// Offsets in GCstr. len was at 16 up to v2.1-20200102, where a 4-byte hash is now behind
// it: the bytes are at 24 in both, and a zero ends them.
const (
	stringLen   = 20
	stringLen0  = 16
	stringBytes = 24
)

const (
	bytecodeMost = 1 << 20 // instructions of a function; LuaJIT's own limit is 2^26
	chunkMost    = 4096    // bytes of a chunk's name
	protosMost   = 16 << 10
)

// proto is a GCproto, as it was when it was read.
type proto struct {
	head  [protoSize]byte
	lines []byte // of each instruction but the header, less the first line
	width int    // bytes of each of lines
	at    lines
	fn    Function
	named bool // fn.Name is the function's own, not made up
	walk  int  // the walk of the globals that did not have it
}

// same reports whether head is still that of p. Flags and the trace it is anchored to change.
func (p *proto) same(head []byte) bool {
	return head[gctOffset] == gctProto &&
		bytes.Equal(p.head[protoSizeBC:protoSizeBC+4], head[protoSizeBC:protoSizeBC+4]) &&
		bytes.Equal(p.head[protoK:protoSizeAll+4], head[protoK:protoSizeAll+4]) &&
		bytes.Equal(p.head[protoChunk:protoLineInfo+8], head[protoChunk:protoLineInfo+8])
}

// Frame names the Lua function of the GCproto at address at, and the place in it: pc is the
// address of the bytecode behind the instruction that runs, as LuaJIT keeps it everywhere. If pc is not
// in the function, 0 say, the place is where the function begins. ok is false if there is no function.
func (r *Reader) Frame(at, pc uint64) (f Function, ok bool) {
	p := r.proto(at)
	if p == nil {
		return Function{}, false
	}
	f = p.fn
	if r.inBytecode(at, pc) {
		f.Line = p.line(int(pc-at-protoSize)/4 - 1)
	}
	return f, true
}

// line returns the line of an instruction (lj_debug_line in lj_debug.c).
func (p *proto) line(instruction int) int {
	at := (instruction - 1) * p.width
	if instruction <= 0 || at+p.width > len(p.lines) {
		return p.fn.First
	}
	n := 0
	for i := range p.width {
		n |= int(p.lines[at+i]) << (8 * i)
	}
	return p.fn.First + n
}

func (r *Reader) proto(at uint64) *proto {
	var head [protoSize]byte
	if !r.mem.object(at, gctProto, head[:]) {
		return nil
	}
	p := r.protos[at]
	if p == nil || !p.same(head[:]) {
		if p = r.readProto(head); p == nil {
			return nil
		}
		if len(r.protos) >= protosMost {
			clear(r.protos)
		}
		r.protos[at] = p
	}
	if !p.named && p.walk != r.globals.walks {
		r.nameFromGlobals(p, at)
	}
	return p
}

func (r *Reader) readProto(head [protoSize]byte) *proto {
	p := &proto{head: head, width: 1, walk: -1}
	chunk, ok := r.mem.text(word(head[:], protoChunk), chunkMost)
	first, count := int32(half(head[:], protoFirst)), int32(half(head[:], protoNumLine))
	size := half(head[:], protoSizeBC)
	if !ok || first < builtin || count < 0 || size == 0 || size > bytecodeMost {
		return nil
	}
	p.at = lines{int(first), int(first) + int(count)}
	switch { // lj_debug_line, and fs_fixup_line in lj_parse.c
	case count >= 1<<16:
		p.width = 4
	case count >= 1<<8:
		p.width = 2
	}
	if at := word(head[:], protoLineInfo); at != 0 { // else it was stripped
		p.lines = make([]byte, int(size-1)*p.width)
		if !r.mem.read(at, p.lines) {
			p.lines = nil
		}
	}
	r.name(p, chunk)
	return p
}

// phaseChunk is what the Lua module calls code in nginx.conf: "=access_by_lua(nginx.conf:278)".
var phaseChunk = regexp.MustCompile(`^=([a-z_]+_by_lua)\(`)

// builtin is the first line of functions of LuaJIT's libraries that are bytecode, such as
// table.remove. Their chunks are called "remove" (lib_read_lfunc in lj_lib.c).
const builtin = -1

// name finds what the source calls a function.
func (r *Reader) name(p *proto, chunk string) {
	if p.at.first == builtin {
		p.fn = Function{Name: chunk, File: "[builtin:" + chunk + "]"}
		return
	}
	p.fn = Function{First: p.at.first, Last: p.at.last, Line: p.at.first, File: chunkFile(chunk)}
	path, file := strings.CutPrefix(chunk, "@")
	if p.at.first == 0 {
		p.fn.Name = "main chunk"
		if m := phaseChunk.FindStringSubmatch(chunk); m != nil {
			p.fn.Phase = m[1]
		}
		// The Lua module has chunks that are functions: "=ngx.socket.connect".
		p.named = file || p.fn.Phase != ""
		return
	}
	if file {
		p.fn.Name = r.source(path)[p.at]
	}
	if p.named = p.fn.Name != ""; !p.named {
		p.fn.Name = fmt.Sprintf("anonymous:%d", p.at.first)
	}
}

// chunkFile returns what to show of a chunk's name (lj_debug_shortname): "@" marks a
// file, "=" a name that its loader gave it, and anything else is the source itself.
func chunkFile(chunk string) string {
	if strings.HasPrefix(chunk, "@") || strings.HasPrefix(chunk, "=") {
		return chunk[1:]
	}
	const show = 40
	line, _, more := strings.Cut(chunk, "\n")
	if len(line) > show {
		line, more = line[:show], true
	}
	if more {
		line += "…"
	}
	return `[string "` + line + `"]`
}

// text returns the GCstr at addr, if it has at most most bytes.
func (m *memory) text(addr uint64, most uint32) (string, bool) {
	var head [stringBytes]byte
	addr &= pointerMask
	if !m.object(addr, gctString, head[:]) {
		return "", false
	}
	for _, at := range []uint32{stringLen, stringLen0} {
		n := half(head[:], at)
		if n > most {
			continue
		}
		p := make([]byte, n+1)
		if m.read(addr+stringBytes, p) && p[n] == 0 && !bytes.Contains(p[:n], []byte{0}) {
			return string(p[:n]), true
		}
	}
	return "", false
}

// protoOf returns the GCproto that an address of bytecode belongs to, or 0: it lies right before
// the function's first instruction. It is for where nothing else tells.
func (r *Reader) protoOf(pc uint64) uint64 {
	const far = 4 * (16 << 10) // instructions of a function that is found
	for at := (pc - 4 - protoSize) &^ 7; at > pageSize && pc-at <= far; at -= 8 {
		var head [protoSize]byte
		if !r.mem.read(at, head[:]) {
			return 0
		}
		size, all := uint64(half(head[:], protoSizeBC)), uint64(half(head[:], protoSizeAll))
		if head[gctOffset] != gctProto || size > bytecodeMost || pc > at+protoSize+4*size || protoSize+4*size > all {
			continue
		}
		k, uv := word(head[:], protoK), word(head[:], protoUV)
		if k < at+protoSize || k > at+all || uv < at+protoSize || uv > at+all {
			continue
		}
		if _, ok := r.mem.text(word(head[:], protoChunk), chunkMost); ok {
			return at
		}
	}
	return 0
}
