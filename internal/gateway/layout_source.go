package gateway

import (
	"debug/elf"
	"errors"
	"fmt"
	"slices"
)

// A LayoutKind names where a Layout comes from.
type LayoutKind string

const (
	LayoutNone      LayoutKind = "none" // the Layout is zero: only sockets can be watched
	LayoutDWARF     LayoutKind = "dwarf"
	LayoutDebugFile LayoutKind = "debug file"
	LayoutTable     LayoutKind = "table"
)

// A LayoutSource says where a Layout comes from, and for [LayoutNone] why there is none.
type LayoutSource struct {
	Kind   LayoutKind
	Detail string // "nginx 1.22.1", the debug file, or the reason
}

func (s LayoutSource) String() string {
	if s.Detail == "" {
		return string(s.Kind)
	}
	return fmt.Sprintf("%s (%s)", s.Kind, s.Detail)
}

// Known reports whether there is a layout.
func (s LayoutSource) Known() bool { return s.Kind != LayoutNone && s.Kind != "" }

type layoutResult struct {
	layout Layout
	source LayoutSource
}

// findLayout tries the executable's DWARF, then its debug file's, then the table.
func findLayout(o *Object) layoutResult {
	if l, err := readDWARF(o.Path); err == nil {
		return layoutResult{l, LayoutSource{Kind: LayoutDWARF}}
	}
	if o.Debug != "" {
		if l, err := readDWARF(o.Debug); err == nil {
			return layoutResult{l, LayoutSource{LayoutDebugFile, o.Debug}}
		}
	}
	l, err := tableLayout(o.version, o.machine)
	if err != nil {
		return layoutResult{source: LayoutSource{LayoutNone, err.Error()}}
	}
	return layoutResult{l, LayoutSource{LayoutTable, "nginx " + o.version.Nginx}}
}

// tableLayout looks a version up in the table of measured layouts.
func tableLayout(v Version, machine elf.Machine) (Layout, error) {
	// Both are LP64 with the same alignments, and nginx has no other conditions on the machine
	// in these structs.
	if !slices.Contains([]elf.Machine{elf.EM_X86_64, elf.EM_AARCH64}, machine) {
		return Layout{}, fmt.Errorf("no table for %v", machine)
	}
	switch {
	case v.Nginx == "":
		return Layout{}, errors.New("version unknown")
	case !v.Compat:
		return Layout{}, errors.New("built without --with-compat")
	case !v.pcre():
		return Layout{}, errors.New("built without PCRE")
	}
	r, err := parseRelease(v.Nginx)
	if err != nil {
		return Layout{}, err
	}
	if r.compare(oldestMeasured) < 0 || r.compare(newestMeasured) > 0 {
		return Layout{}, fmt.Errorf("nginx %v: measured are %v to %v", r, oldestMeasured, newestMeasured)
	}
	values := map[string]uint32{}
	for _, c := range layoutChanges {
		if r.compare(c.since) < 0 {
			break
		}
		for name, v := range c.offsets {
			values[name] = v
		}
	}
	var l Layout
	return l, l.set(values)
}
