package luajit

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLine(t *testing.T) {
	for _, tt := range []struct {
		width       int
		lines       []byte
		instruction int
		want        int
	}{
		{1, []byte{0, 1, 255}, 0, 10}, // the header
		{1, []byte{0, 1, 255}, 1, 10},
		{1, []byte{0, 1, 255}, 2, 11},
		{1, []byte{0, 1, 255}, 3, 265},
		{1, []byte{0, 1, 255}, 4, 10}, // behind the end
		{1, []byte{0, 1, 255}, -1, 10},
		{2, []byte{0, 0, 1, 2}, 2, 10 + 0x201},
		{4, []byte{0, 0, 0, 0, 1, 2, 3, 0}, 2, 10 + 0x30201},
		{1, nil, 1, 10}, // stripped
	} {
		p := proto{width: tt.width, lines: tt.lines, fn: Function{First: 10}}
		if got := p.line(tt.instruction); got != tt.want {
			t.Errorf("width %d, instruction %d: line %d, want %d", tt.width, tt.instruction, got, tt.want)
		}
	}
}

func TestChunkFile(t *testing.T) {
	for chunk, want := range map[string]string{
		"@/usr/local/apisix/init.lua":    "/usr/local/apisix/init.lua",
		"=access_by_lua(nginx.conf:278)": "access_by_lua(nginx.conf:278)",
		"=":                              "",
		"return 1":                       `[string "return 1"]`,
		"a = 1\nb = 2":                   `[string "a = 1…"]`,
		strings.Repeat("x", 50):          `[string "` + strings.Repeat("x", 40) + `…"]`,
		"":                               `[string ""]`,
	} {
		if got := chunkFile(chunk); got != want {
			t.Errorf("%q: %q, want %q", chunk, got, want)
		}
	}
}

// onStack returns the call of a function that is on the stack of an image, and all of them.
func onStack(t *testing.T, m *image, r *Reader, name string) (Call, []Call) {
	t.Helper()
	calls, err := r.Stack(Point{State: m.State})
	if err != nil {
		t.Fatal(err)
	}
	stack := frames(r, calls)
	i := slices.IndexFunc(stack, func(f frame) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("%s is not on the stack %v", name, stack)
	}
	return calls[i], calls
}

// TestProtoOf finds a function by an address of its bytecode alone.
func TestProtoOf(t *testing.T) {
	readers(t, func(t *testing.T, m *image, r *Reader) {
		calls, _ := r.Stack(Point{State: m.State})
		for _, c := range calls {
			if c.Proto != 0 && c.PC != 0 && r.protoOf(c.PC) != c.Proto {
				t.Errorf("%#x is of the function at %#x, found %#x", c.PC, c.Proto, r.protoOf(c.PC))
			}
		}
		if got := r.protoOf(0); got != 0 {
			t.Errorf("of 0: %#x", got)
		}
	})
}

// TestReusedAddress: a function that has another's address does not get its name.
func TestReusedAddress(t *testing.T) {
	m := openImage(t, "nginx-20230119").clone()
	r := m.reader(t)
	c, _ := onStack(t, m, r, "_M.pause")
	r.walk()
	if f, ok := r.Frame(c.Proto, c.PC); !ok || f.Name != "_M.pause" {
		t.Fatalf("%+v %v", f, ok)
	}
	m.write(c.Proto+protoFirst, binary.LittleEndian.AppendUint32(nil, 7))
	if f, _ := r.Frame(c.Proto, 0); f.Name != "_M.pause" {
		t.Error("memory is not kept until Forget")
	}
	r.Forget()
	if f, ok := r.Frame(c.Proto, 0); !ok || f.Name != "anonymous:7" || f.Line != 7 {
		t.Errorf("a function on line 7: %+v %v", f, ok)
	}
	m.write(c.Proto+gctOffset, []byte{gctTable})
	r.Forget()
	if f, ok := r.Frame(c.Proto, 0); ok {
		t.Errorf("a table: %+v", f)
	}
}

// TestNamesFromGlobals, where there is no source.
func TestNamesFromGlobals(t *testing.T) {
	readers(t, func(t *testing.T, m *image, r *Reader) {
		r.target = noSource{m}
		c, all := onStack(t, m, r, "workload.pause")
		if f, _ := r.Frame(c.Proto, c.PC); !strings.Contains(workloadLine(t, f.Line), "-- @pause") {
			t.Errorf("%+v", f)
		}
		for _, call := range all {
			if f, ok := r.Frame(call.Proto, 0); ok && f.Name == "anonymous:195" {
				return // guarded is local: no name leads to it
			}
		}
		t.Error("no anonymous:195 on the stack")
	})
}

// noSource is an image without files.
type noSource struct{ *image }

func (noSource) ReadFile(string) ([]byte, error) { return nil, errNoSource }

// TestBuiltins are named by what _G holds, also where only their number is known.
func TestBuiltins(t *testing.T) {
	readers(t, func(t *testing.T, m *image, r *Reader) {
		r.walk()
		for _, name := range []string{"string.gsub", "table.sort", "pcall", "ffi.__call", "io.file.read"} {
			found := false
			for ffid, n := range r.globals.byFFID {
				if n == name {
					found = true
					if got, ok := r.CFunction(Call{FFID: ffid}); !ok || got != name {
						t.Errorf("builtin %d is %q, want %q", ffid, got, name)
					}
				}
			}
			if !found {
				t.Errorf("no builtin %s", name)
			}
		}
		for at, f := range r.globals.byProto {
			if f.name == "table.remove" {
				if got, ok := r.Frame(at, 0); !ok || got.Name != "table.remove" || got.File != "[builtin:remove]" || got.Line != 0 {
					t.Errorf("table.remove is %+v", got)
				}
			}
		}
	})
}

// TestUnnamed: what no name leads to has us look again only after a while, and only once.
func TestUnnamed(t *testing.T) {
	m := openImage(t, "nginx-20230119")
	r := m.reader(t)
	now := time.Unix(0, 0)
	r.now = func() time.Time { return now }
	for range 3 {
		if name, ok := r.CFunction(Call{Func: 8, C: 0x1234, FFID: 1}); ok {
			t.Errorf("named %q", name)
		}
		now = now.Add(2 * walkEvery)
	}
	if r.globals.walks != 1 {
		t.Errorf("walked %d times", r.globals.walks)
	}
	if name, ok := r.CFunction(Call{Func: 8, C: 0x5678, FFID: 1}); ok || r.globals.walks != 2 {
		t.Errorf("another function: %q, walked %d times", name, r.globals.walks)
	}
}

// TestClosures: where closures of one function have several names, none is the function's.
func TestClosures(t *testing.T) {
	r := openImage(t, "nginx-20230119").reader(t)
	r.walk()
	many := 0
	for at, f := range r.globals.byProto {
		// lua-resty-core makes coroutine.create, wrap and others with one function.
		if !f.many {
			continue
		}
		many++
		if got, ok := r.Frame(at, 0); !ok || !strings.HasPrefix(got.Name, "anonymous:") {
			t.Errorf("%s and others are called %+v", f.name, got)
		}
	}
	if many == 0 {
		t.Error("no function has closures with several names")
	}
}

// TestReusedFunction: a C function that has another's address does not get its name.
func TestReusedFunction(t *testing.T) {
	r := openImage(t, "nginx-20230119").reader(t)
	r.walk()
	for at, f := range r.globals.byFunc {
		if f.name != "ngx.say" {
			continue
		}
		if name, ok := r.CFunction(Call{Func: at, C: f.code, FFID: 1}); !ok || name != "ngx.say" {
			t.Errorf("%q %v", name, ok)
		}
		if name, ok := r.CFunction(Call{Func: at, C: f.code + 8, FFID: 1}); ok {
			t.Errorf("another function is called %q", name)
		}
		return
	}
	t.Error("no ngx.say")
}
