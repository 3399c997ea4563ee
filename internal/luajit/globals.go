package luajit

import (
	"cmp"
	"path"
	"strings"
	"time"
)

// globals are the functions that Lua code can reach by name: what _G holds, and in it
// package.loaded, with the tables in them.
type globals struct {
	walks  int // how often they were walked
	walked time.Time

	byProto map[uint64]function // checked by lines
	byFunc  map[uint64]function // by GCfunc, checked by code: C functions and builtins
	byCode  map[uint64]string   // by the C function's code
	byFFID  map[uint8]string    // builtins
	missed  map[uint64]bool     // code of C functions that a walk did not find
}

// function is a name, and what the object that had it held: another may be there since.
type function struct {
	name string
	code uint64
	at   lines
	fn   uint64 // a GCfunc of the proto
	many bool   // others of the proto have other names: closures that one function made
}

// CFunction returns the name of a C function or a builtin: "string.gsub", "ngx.say",
// "cjson.encode". ok is false if no name leads to it: then the symbol of its code is the
// best there is.
func (r *Reader) CFunction(c Call) (name string, ok bool) {
	if name := r.globals.name(c); name != "" {
		return name, true
	}
	// Some have no name: they alone should not have us walk again and again.
	if r.globals.missed[c.C] || !r.walk() {
		return "", false
	}
	if name = r.globals.name(c); name == "" && len(r.globals.missed) < walkTables {
		r.globals.missed[c.C] = true
	}
	return name, name != ""
}

func (g *globals) name(c Call) string {
	if f := g.byFunc[c.Func]; f.name != "" && f.code == c.C {
		return f.name
	}
	if c.FFID > 1 {
		return g.byFFID[c.FFID]
	}
	return g.byCode[c.C]
}

func (r *Reader) nameFromGlobals(p *proto, at uint64) {
	if p.walk < 0 { // not again for what a walk did not find
		r.walk()
	}
	p.walk = r.globals.walks
	if f := r.globals.byProto[at]; f.name != "" && !f.many && f.at == p.at {
		p.fn.Name, p.named = f.name, true
	}
}

// called takes a name for a function.
func (r *Reader) called(c Call, name string) {
	g := &r.globals
	if c.Proto == 0 {
		keep(g.byFunc, c.Func, function{name: name, code: c.C})
		if c.FFID > 1 {
			g.byFFID[c.FFID] = shorter(g.byFFID[c.FFID], name)
		} else {
			g.byCode[c.C] = shorter(g.byCode[c.C], name)
		}
		return
	}
	var p [8]byte
	if r.mem.read(c.Proto+protoFirst, p[:]) {
		first := int(int32(half(p[:], 0)))
		keep(g.byProto, c.Proto, function{name: name, fn: c.Func, at: lines{first, first + int(int32(half(p[:], 4)))}})
	}
}

func keep(names map[uint64]function, at uint64, f function) {
	old, twice := names[at]
	f.many = twice && (old.many || old.fn != f.fn && path.Ext("."+old.name) != path.Ext("."+f.name))
	f.name = shorter(old.name, f.name)
	names[at] = f
}

// shorter chooses between two names for one function: the one that leads there by fewer
// tables, else the shorter, else the lesser. The order in a table says nothing.
func shorter(a, b string) string {
	if a == "" {
		return b
	}
	byDepth := cmp.Compare(strings.Count(a, "."), strings.Count(b, "."))
	if cmp.Or(byDepth, cmp.Compare(len(a), len(b)), strings.Compare(a, b)) <= 0 {
		return a
	}
	return b
}
