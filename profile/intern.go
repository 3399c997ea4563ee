package profile

import (
	"fmt"
	"path"
	"strings"
)

// object is a Mapping, or what stands for one: pprof has frames of a kind in a mapping of
// their own, by which they can be told apart, and chosen with "go tool pprof -focus".
type object = Mapping

var kindObjects = map[FrameKind]object{
	FrameKernel:  {Path: "[kernel]"},
	FrameLua:     {Path: "[luajit]"},
	FrameJIT:     {Path: "[luajit jit]"},
	FrameC:       {Path: "[lua c]"},
	FrameRegex:   {Path: "[pcre jit]"},
	FrameMissing: {Path: "[missing]"},
}

// function is what a table has a row for.
type function struct {
	name, file string
	start      int
}

// place is a frame as a profile keeps it.
type place struct {
	kind   FrameKind
	fn     uint32
	line   int
	object uint32 // 1 plus its index; 0 for none
	addr   uint64
}

// rawPlace is a frame as it came: what it is looked up by.
type rawPlace struct {
	kind        FrameKind
	name, file  string
	line, start int
	object      uint32
	addr        uint64
}

// maxObjects bounds the mappings: a process has some dozens, and each reload may bring new
// ones.
const maxObjects = 1 << 12

// interner gives what is equal the same number.
type interner struct {
	most      int // places
	places    []place
	placeIDs  map[rawPlace]uint32
	functions []function
	fnIDs     map[function]uint32
	objects   []object
	objectIDs map[object]uint32
	pointers  map[*Mapping]uint32 // a Mapping does not change
}

func newInterner(most int) *interner {
	return &interner{
		most: most, placeIDs: map[rawPlace]uint32{}, fnIDs: map[function]uint32{},
		objectIDs: map[object]uint32{}, pointers: map[*Mapping]uint32{},
	}
}

// place returns the number of a frame. Without exact it does not count where the function
// was at. A frame that is one too many is missing.
func (in *interner) place(f *Frame, exact bool) uint32 {
	raw := rawPlace{kind: f.Kind, name: cut(f.Name, maxName), file: cut(f.File, maxPath), start: f.StartLine}
	switch {
	case f.Kind != FrameNative:
		raw.object = in.kindObject(f.Kind)
	case f.Mapping != nil:
		raw.object = in.mapping(f.Mapping)
	}
	if exact {
		raw.line = f.Line
		if f.Kind == FrameNative { // the kernel's would tell where it is loaded
			raw.addr = f.Address
		}
	}
	id, ok := in.placeIDs[raw]
	if ok {
		return id
	}
	if len(in.places) >= in.most { // what says so is one place more
		raw = rawPlace{kind: FrameMissing, name: "too many functions", object: in.kindObject(FrameMissing)}
		if id, ok := in.placeIDs[raw]; ok {
			return id
		}
	}
	return in.add(raw)
}

func (in *interner) add(raw rawPlace) uint32 {
	fn := function{clean(in.nameOf(&raw), maxName), clean(raw.file, maxPath), raw.start}
	n, ok := in.fnIDs[fn]
	if !ok {
		n = uint32(len(in.functions))
		in.functions, in.fnIDs[fn] = append(in.functions, fn), n
	}
	id := uint32(len(in.places))
	in.places = append(in.places, place{raw.kind, n, raw.line, raw.object, raw.addr})
	raw.name, raw.file = strings.Clone(raw.name), strings.Clone(raw.file)
	in.placeIDs[raw] = id
	return id
}

// nameOf names what has no name by what is known of it. Brackets tell that it is no name.
func (in *interner) nameOf(raw *rawPlace) string {
	switch {
	case raw.kind == FrameMissing:
		return "[" + raw.name + "]"
	case raw.name != "":
		return raw.name
	case raw.kind == FrameRegex:
		return "[machine code of PCRE]"
	case isLua(raw.kind) && raw.start > 0:
		return fmt.Sprintf("anonymous:%d", raw.start)
	case raw.object != 0 && raw.kind == FrameNative:
		return "[no name: " + path.Base(in.objects[raw.object-1].Path) + "]"
	}
	return "[no name: " + string(raw.kind) + "]"
}

func (in *interner) kindObject(k FrameKind) uint32 {
	o, ok := kindObjects[k]
	if !ok {
		return 0
	}
	return in.object(o)
}

func (in *interner) mapping(m *Mapping) uint32 {
	if id, ok := in.pointers[m]; ok {
		return id
	}
	if len(in.pointers) >= maxObjects {
		clear(in.pointers)
	}
	o := *m
	o.Path, o.BuildID = clean(o.Path, maxPath), clean(o.BuildID, maxLabel)
	id := in.object(o)
	in.pointers[m] = id
	return id
}

func (in *interner) object(o object) uint32 {
	id, ok := in.objectIDs[o]
	if !ok && len(in.objects) >= maxObjects+len(kindObjects) {
		return 0
	}
	if !ok {
		in.objects = append(in.objects, o)
		id = uint32(len(in.objects))
		in.objectIDs[o] = id
	}
	return id
}

// executable returns the object that is no library and of which most places are.
func (in *interner) executable() (uint32, bool) {
	places := make([]int, len(in.objects))
	for i := range in.places {
		if o := in.places[i].object; o > 0 && in.places[i].kind == FrameNative {
			places[o-1]++
		}
	}
	best, found := 0, false
	for i, o := range in.objects {
		name := path.Base(o.Path)
		if places[i] == 0 || strings.Contains(name, ".so") || strings.HasPrefix(name, "[") {
			continue
		}
		if !found || places[i] > places[best] || places[i] == places[best] && o.Path < in.objects[best].Path {
			best, found = i, true
		}
	}
	return uint32(best), found
}
