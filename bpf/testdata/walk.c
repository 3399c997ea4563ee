/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * luawalk.bpf.c, compiled for user space, over a process's memory that was recorded. It reads
 * what sample_walk_test.go writes, and prints the frames that it has found.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef _Bool bool;

#define __noinline __attribute__((noinline))
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define barrier_var(v)
#define WALK_TEST

#include "../walk.h"

#define PAGE 4096

struct page {
	u64 number;
	u8 bytes[PAGE];
};

static struct page *pages; /* sorted */
static u64 page_count, reads;
static struct walk walk;
static struct process process;

static struct page *page_of(u64 at)
{
	u64 low = 0, high = page_count;
	while (low < high) {
		u64 middle = (low + high) / 2;
		if (pages[middle].number == at / PAGE)
			return &pages[middle];
		if (pages[middle].number < at / PAGE)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int read_memory(void *to, u64 size, u64 at)
{
	reads++;
	for (u64 i = 0; i < size; i++) {
		struct page *p = page_of(at + i);
		if (!p)
			return -14;
		((u8 *)to)[i] = p->bytes[(at + i) % PAGE];
	}
	return 0;
}

#define READ(to, size, at) read_memory(to, size, at)

static struct walk *walk_of(u32 slot)
{
	return &walk;
}

static struct process *process_of(u32 tgid)
{
	return &process;
}

static bool in_object(u32 slot, u64 address)
{
	return 0;
}

static int leave_entry(u32 slot)
{
	return 0;
}

#include "../luawalk.bpf.c"

static u64 take(void)
{
	u64 v;
	if (fread(&v, sizeof(v), 1, stdin) != 1)
		exit(1);
	return v;
}

#define SEGMENTS 64

int main(void)
{
	u64 thread = take(), ip = take();
	process.globals[0] = take();
	process.vms = 1;
	process.cur_l = take();
	process.jit_base = take();
	process.vm_state = take();
	process.code_start = take();
	process.code_end = take();
	page_count = take();
	pages = malloc(page_count * sizeof(*pages));
	if (!pages || fread(pages, sizeof(*pages), page_count, stdin) != page_count)
		return 1;
	walk.pc = ip;
	u64 cframe = 0, base = 0;
	READ(&cframe, sizeof(cframe), thread + L_CFRAME);
	READ(&base, sizeof(base), process.globals[0] + process.jit_base);
	int vm = ip >= process.code_start && ip < process.code_end;
	/* The C stack is not recorded, so that all C frames look like the first. */
	for (int i = 0; i < SEGMENTS; i++) {
		u64 before = walk.lua_frame;
		walk.found_thread = thread;
		walk.found_cframe = CF_POINTER(cframe);
		walk.found_base = base;
		lua_frames(0, base && !i && !vm ? WAY_TRACE : WAY_VM);
		if (walk.lua_frame <= walk.stack + 8 || walk.lua_frame == before)
			break;
	}
	for (u32 i = 0; i < walk.frames; i++) {
		struct frame *f = &walk.frame[i];
		printf("%u %llx %llx %u %u\n", f->kind, (unsigned long long)f->address, (unsigned long long)f->aux, f->more, f->flags);
	}
	fprintf(stderr, "%llu reads\n", (unsigned long long)reads);
	return 0;
}
