package gateway

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/arch/x86/x86asm"
)

// ctxRefGetter is exported, as lua-resty-core calls it by FFI:
//
//	ctx = r->ctx[ngx_http_lua_module.ctx_index];
//	if (ctx == NULL) return NGX_HTTP_LUA_FFI_NO_REQ_CTX;
//	if (ctx->ctx_ref >= 0 || …) return ctx->ctx_ref;
//
// (src/ngx_http_lua_ctx.c). So the first int that it loads is ctx->ctx_ref.
const ctxRefGetter = "ngx_http_lua_ffi_get_ctx_ref"

const (
	ctxRefCode = 96 // bytes of the function that are looked at
	// ngx_http_lua_ctx_t has been this large at least before ctx_ref, and is this large at most.
	ctxRefFirst, ctxRefLast = 64, 1024
)

// ctxRefOffset finds ctx_ref of ngx_http_lua_ctx_t, which has moved between releases, in
// the machine code of the Lua module.
func ctxRefOffset(lua *Object) (uint32, error) {
	at, ok := lua.Symbol(ctxRefGetter)
	if !ok {
		return 0, fmt.Errorf("find %s in %s: not exported", ctxRefGetter, lua.Name)
	}
	f, err := os.Open(lua.Path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	code := make([]byte, ctxRefCode)
	if _, err := f.ReadAt(code, int64(at)); err != nil {
		return 0, fmt.Errorf("read %s in %s: %w", ctxRefGetter, lua.Name, err)
	}
	find := ctxRefInX86
	if lua.machine == elf.EM_AARCH64 {
		find = ctxRefInARM64
	}
	if offset := find(code); offset >= ctxRefFirst && offset <= ctxRefLast {
		return offset, nil
	}
	return 0, fmt.Errorf("read %s in %s: it does not load an int as expected", ctxRefGetter, lua.Name)
}

// ctxRefInX86 returns the displacement of the first 32-bit load from a structure; 0 for none.
func ctxRefInX86(code []byte) uint32 {
	for len(code) > 0 {
		inst, err := x86asm.Decode(code, 64)
		if err != nil {
			return 0
		}
		code = code[inst.Len:]
		mem, to := loadX86(inst)
		if to && inst.MemBytes == 4 && mem.Base != x86asm.RIP && mem.Index == 0 {
			return uint32(mem.Disp)
		}
	}
	return 0
}

// loadX86 returns the memory that an instruction reads into a register or compares.
func loadX86(inst x86asm.Inst) (x86asm.Mem, bool) {
	switch inst.Op {
	case x86asm.MOV, x86asm.MOVSXD:
		mem, ok := inst.Args[1].(x86asm.Mem)
		return mem, ok
	case x86asm.CMP, x86asm.TEST:
		mem, ok := inst.Args[0].(x86asm.Mem)
		return mem, ok
	}
	return x86asm.Mem{}, false
}

// ctxRefInARM64 returns the offset of the first load of a 32-bit value from a structure; 0
// for none. Loads with an unsigned offset are LDR Wt (0xb94…) and LDRSW Xt (0xb98…): an
// offset of 12 bits in units of 4, then the base, of which 31 is the stack.
func ctxRefInARM64(code []byte) uint32 {
	for ; len(code) >= 4; code = code[4:] {
		inst := binary.LittleEndian.Uint32(code)
		if load := inst & 0xffc00000; load != 0xb9400000 && load != 0xb9800000 || inst>>5&31 == 31 {
			continue
		}
		return inst >> 10 & 0xfff * 4
	}
	return 0
}
