package gateway

import (
	"debug/dwarf"
	"fmt"
	"strings"
)

// readDWARF takes the layout from the debug information in the file at path. Every field
// must be there: half a layout is worse than the table's.
func readDWARF(path string) (Layout, error) {
	f, closeFile, err := openELF(path)
	if err != nil {
		return Layout{}, err
	}
	defer closeFile()
	if f.Section(".debug_info") == nil && f.Section(".zdebug_info") == nil {
		return Layout{}, fmt.Errorf("read %s: no debug information", path)
	}
	data, err := f.DWARF()
	if err != nil {
		return Layout{}, fmt.Errorf("read %s: %w", path, err)
	}
	var l Layout
	missing := map[string]bool{} // types still to be found
	for tag := range l.fields() {
		missing[typeOf(tag)] = true
	}
	values, err := collectOffsets(data, missing)
	if err != nil {
		return Layout{}, fmt.Errorf("read %s: %w", path, err)
	}
	if err := l.set(values); err != nil {
		return Layout{}, fmt.Errorf("read %s: %w", path, err)
	}
	return l, nil
}

// typeOf returns the type that a tag of Layout names.
func typeOf(tag string) string {
	owner, name, _ := strings.Cut(tag, ".")
	if owner == "sizeof" {
		return name
	}
	return owner
}

// collectOffsets finds the wanted typedefs of structs, and removes them from wanted. It
// reads the top level of each unit alone and stops once it has all, which the
// first unit that includes ngx_http.h gives.
func collectOffsets(data *dwarf.Data, wanted map[string]bool) (map[string]uint32, error) {
	values := map[string]uint32{}
	r := data.Reader()
	for len(wanted) > 0 {
		entry, err := r.Next()
		if err != nil {
			return nil, err
		}
		if entry == nil {
			break
		}
		switch entry.Tag {
		case dwarf.TagCompileUnit, dwarf.TagPartialUnit:
			continue // descend
		case dwarf.TagTypedef:
			name, _ := entry.Val(dwarf.AttrName).(string)
			if wanted[name] && addStruct(values, data, entry.Offset, name) {
				delete(wanted, name)
			}
		}
		r.SkipChildren()
	}
	return values, nil
}

// addStruct adds the members and the size of the struct behind the typedef at
// offset. It returns false where the struct is only declared in that unit.
func addStruct(values map[string]uint32, data *dwarf.Data, offset dwarf.Offset, name string) bool {
	t, err := data.Type(offset)
	if err != nil {
		return false
	}
	def, ok := t.(*dwarf.TypedefType)
	if !ok {
		return false
	}
	s, ok := def.Type.(*dwarf.StructType)
	if !ok || s.Incomplete {
		return false
	}
	for _, field := range s.Field {
		values[name+"."+field.Name] = uint32(field.ByteOffset)
	}
	values["sizeof."+name] = uint32(s.ByteSize)
	return true
}
