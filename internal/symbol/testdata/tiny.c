// The objects tiny*.so are made of this by ./build, and recorded.

int puts(const char *);
int getpid(void);
#define noinline __attribute__((noinline))
static volatile int sink;

// Static functions: of a stripped object only their call frames are left.
static noinline int hidden_add(int n) { return sink += n * 3 + 1; }
static noinline int hidden_mul(int n) { return sink *= n * 5 + hidden_add(n); }

// Three names of one address.
int __shout(int n) { return hidden_mul(n) - puts("shout"); }
int shout(int n) __attribute__((weak, alias("__shout")));
static int whisper(int n) __attribute__((alias("__shout"), used));

// Two versions of one name.
int greet_old(int n) { return hidden_add(n) - 1; }
int greet_new(int n) { return hidden_mul(n) - 2; }
__asm__(".symver greet_old, greet@TINY_1");
__asm__(".symver greet_new, greet@@TINY_2");

// An IFUNC that this object itself calls, too.
static int pick_fast(int n) { return hidden_add(n) ^ 0x55; }
static int (*pick_resolver(void))(int) { return pick_fast; }
__attribute__((visibility("hidden"))) int pick(int) __attribute__((ifunc("pick_resolver")));
int call_pick(int n) { return pick(n) + getpid(); }

// Assembly: a label without a size that has call frames, one without, and one
// inside a function that has a size.
__asm__(
	".text\n"
	".globl bare_framed\n.type bare_framed, %function\n"
	"bare_framed:\n.cfi_startproc\nnop\nnop\nnop\nret\n.cfi_endproc\n"
	"nop\nnop\nnop\nnop\n"
	".globl bare_unframed\n"
	"bare_unframed:\nnop\nnop\nnop\nret\n"
	".globl sized\n.type sized, %function\n"
	"sized:\nnop\nnop\n"
	"inner_label:\nnop\nret\n.size sized, . - sized\n");
