//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * From frame to frame by the objects' own unwind tables: nginx, libc, OpenSSL and LuaJIT
 * are built without frame pointers. Only pc, sp and fp are followed; no more is needed.
 */
#include "sample.h"

#define MAPPING_STEPS 16
#define ROW_STEPS 24

/* The mapping that holds an address: its index and one more, or 0. */
__noinline int find_mapping(u32 slot, u64 address)
{
	struct walk *w = walk_of(slot);
	struct process *p = w ? process_of(w->tgid) : NULL;
	if (!p)
		return 0;
	u32 low = p->first_mapping, high = low + p->mappings;
	for (int i = 0; i < MAPPING_STEPS && low < high; i++) {
		u32 middle = low + (high - low) / 2;
		struct mapping *m = bpf_map_lookup_elem(&mappings, &middle);
		if (!m)
			return 0;
		if (address < m->start)
			high = middle;
		else if (address >= m->end)
			low = middle + 1;
		else
			return middle + 1;
	}
	return 0;
}

static __always_inline struct mapping *mapping_of(u32 slot, u64 address)
{
	u32 i = find_mapping(slot, address) - 1;
	return bpf_map_lookup_elem(&mappings, &i); /* there is none at -1 */
}

static __always_inline bool in_object(u32 slot, u64 address)
{
	struct mapping *m = mapping_of(slot, address);
	return m && m->kind == MAPPED_OBJECT;
}

/* The row that holds pc, of those of an object: its index and one more, or 0. */
__noinline int find_row(u32 pc, u32 first, u32 n)
{
	u32 low = first, high = first + n;
	for (int i = 0; i < ROW_STEPS && low < high; i++) {
		u32 middle = low + (high - low) / 2;
		struct row *r = bpf_map_lookup_elem(&rows, &middle);
		if (!r)
			return 0;
		if (r->pc <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low == first ? 0 : low;
}

/* How far above sp the caller's frame may begin: nobody has a larger frame. */
#define FRAME_MAX (1 << 20)

/* Goes on by the frame pointer, if that leads to code. Returns whether it does. */
__noinline int step_by_pointer(u32 slot)
{
	struct walk *w = walk_of(slot);
	if (!w)
		return 0;
	u64 words[2];
	if (!w->fp || w->fp & 7 || w->fp < w->sp || w->fp - w->sp > FRAME_MAX || READ(words, sizeof(words), w->fp))
		return 0;
	if (!in_object(slot, words[1] - 1))
		return 0;
	w->sp = w->fp + 16;
	w->fp = words[0];
	w->pc = words[1];
	w->leaf = 0;
	return 1;
}

static __always_inline void end_walk(struct walk *w, u64 address, u32 cause)
{
	if (cause)
		trouble(w, address, cause);
	w->done = 1;
}

#if defined(__TARGET_ARCH_x86)

/* The kernel's signal frame: struct ucontext behind the return address. */
#define SIGNAL_BP 120
#define SIGNAL_SP 160
#define SIGNAL_IP 168

static __always_inline int leave_signal(struct walk *w)
{
	u64 bp, at[2];
	if (READ(&bp, sizeof(bp), w->sp + SIGNAL_BP) || READ(at, sizeof(at), w->sp + SIGNAL_SP))
		return 0;
	w->fp = bp;
	w->sp = at[0];
	w->pc = at[1];
	w->leaf = 1;
	w->base = w->vm_pc = w->ax = w->r9 = w->r10 = w->r11 = 0;
	return 1;
}

static __always_inline u64 leaf_register(struct walk *w, u32 number)
{
	if (!w->leaf)
		return 0;
	switch (number) {
	case 0:
		return w->ax;
	case 9:
		return w->r9;
	case 10:
		return w->r10;
	case 11:
		return w->r11;
	}
	return 0;
}

/* Takes the step that a row describes. */
__noinline int step_by_row(u32 slot, u32 index)
{
	struct walk *w = walk_of(slot);
	struct row *r = bpf_map_lookup_elem(&rows, &index);
	if (!w || !r)
		return 0;
	u64 cfa = 0, back = 0;
	switch (r->cfa) {
	case CFA_SP:
		cfa = w->sp + r->cfa_offset;
		break;
	case CFA_FP:
		cfa = w->fp + r->cfa_offset;
		break;
	case CFA_PLT:
		cfa = w->sp + r->cfa_offset + ((w->pc & 15) >= r->add) * 8;
		break;
	case CFA_FP_DEREF:
	case CFA_SP_DEREF:
		if (!READ(&cfa, sizeof(cfa), (r->cfa == CFA_FP_DEREF ? w->fp : w->sp) + r->cfa_offset))
			cfa += r->add;
		break;
	case CFA_SP_INDEXED:
		if (w->leaf && !READ(&cfa, sizeof(cfa), w->sp + r->cfa_offset + 8 * w->r9))
			cfa += r->add;
		break;
	case CFA_REGISTER:
		cfa = leaf_register(w, r->add) + r->cfa_offset;
		break;
	case CFA_SIGNAL:
		if (!leave_signal(w))
			end_walk(w, w->sp, CAUSE_STACK);
		return 1;
	case CFA_END:
		end_walk(w, 0, CAUSE_NONE);
		return 1;
	case CFA_NONE:
		return 0;
	}
	if (cfa <= w->sp || cfa - w->sp > 64 * FRAME_MAX) {
		end_walk(w, w->pc, CAUSE_RULE);
		return 1;
	}
	if (READ(&back, sizeof(back), cfa - 8)) {
		end_walk(w, cfa, CAUSE_STACK);
		return 1;
	}
	if (r->fp == FP_AT_CFA || r->fp == FP_AT_FP) {
		u64 fp = 0;
		READ(&fp, sizeof(fp), (r->fp == FP_AT_CFA ? cfa : w->fp) + r->fp_offset);
		w->fp = fp;
	}
	w->sp = cfa;
	w->pc = back;
	w->leaf = 0;
	return 1;
}

#else

/* Elsewhere the calling convention keeps frame pointers. */
__noinline int step_by_row(u32 slot, u32 index)
{
	return 0;
}

#endif

/* How the walk may leave code without unwind rows: by a return address on the stack. */
enum scan {
	SCAN_INDIRECT = 0, /* of an indirect call */
	SCAN_VM = 1,	   /* of a call to lj_vm */
};

#if defined(__TARGET_ARCH_x86)

/* Is v the return address of such a call? */
static __always_inline bool is_return(u32 slot, u64 v, u32 scan)
{
	struct walk *w = walk_of(slot);
	struct process *p = w ? process_of(w->tgid) : NULL;
	u8 code[5];
	if (!p || v < 4096 || v >> 47 || !in_object(slot, v) || READ(code, sizeof(code), v - sizeof(code)))
		return 0;
	if (scan == SCAN_VM) { /* call rel32 */
		u64 to = v + (s64)(s32)(code[1] | code[2] << 8 | code[3] << 16 | (u32)code[4] << 24);
		return code[0] == 0xe8 && to >= p->code_start && to < p->code_end;
	}
	/* call *reg, call *disp8(reg) */
	return (code[3] == 0xff && (code[4] & 0xf8) == 0xd0) || (code[2] == 0xff && (code[3] & 0xf8) == 0x50);
}

#else

/* Elsewhere calls are not looked for: a stack ends in code without unwind rows. */
static __always_inline bool is_return(u32 slot, u64 v, u32 scan)
{
	return 0;
}

#endif

/* Notes in scan_at and scan_found the word at i above sp, if it is a return address. */
__noinline int scan_word(u32 slot, u32 i, u32 scan)
{
	struct walk *w = walk_of(slot);
	u64 v = 0, at = w ? w->sp + 8 * (u64)i : 0;
	if (!w || READ(&v, sizeof(v), at))
		return 1; /* the stack ends */
	if (!is_return(slot, v, scan))
		return 0;
	w->scan_at = at;
	w->scan_found = v;
	return 1;
}

static __always_inline void go_back(struct walk *w)
{
	w->pc = w->scan_found;
	w->sp = w->scan_at + 8;
	w->leaf = 0;
}

#define SCAN_WORDS 96

/* Out of code that PCRE made, which has no unwind table, to its caller: the first that has
 * called something indirectly. */
__noinline int leave_foreign(u32 slot)
{
	struct walk *w = walk_of(slot);
	if (!w)
		return 0;
	w->scan_found = 0;
	for (u32 i = 0; i < SCAN_WORDS; i++)
		if (scan_word(slot, i, SCAN_INDIRECT))
			break;
	if (!w->scan_found)
		return 0;
	emit(w, w->pc, 0, 0, FRAME_FOREIGN, w->leaf ? FRAME_LEAF : 0);
	go_back(w);
	return 1;
}

#define ENTRY_WORDS 12 /* of a frame of lj_vm */

/* Out of lj_vm where it has not set its frame up yet, or has taken it down: to the C function
 * that has called there. What it saves first is rbp. */
__noinline int leave_entry(u32 slot)
{
	struct walk *w = walk_of(slot);
	if (!w)
		return 0;
	w->scan_found = 0;
	for (u32 i = 0; i < ENTRY_WORDS; i++)
		if (scan_word(slot, i, SCAN_VM))
			break;
	if (!w->scan_found)
		return 0;
	u64 fp = w->fp;
	if (w->scan_at > w->sp)
		READ(&fp, sizeof(fp), w->scan_at - 8);
	emit(w, w->pc, 0, 0, FRAME_VM, FRAME_LEAF);
	w->fp = fp;
	go_back(w);
	return 1;
}
