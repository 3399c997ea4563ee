package luajit

import (
	"maps"
	"os"
	"strings"
	"testing"
)

func TestParseSource(t *testing.T) {
	for _, tt := range []struct {
		text string
		want source
	}{
		{"function f() end", source{{1, 1}: "f"}},
		{"local function f()\nend", source{{1, 2}: "f"}},
		{"function _M.a.b(x)\n return x\nend", source{{1, 3}: "_M.a.b"}},
		{"function _M:m() end", source{{1, 1}: "_M:m"}},
		{"local f = function() end", source{{1, 1}: "f"}},
		{"_M.f = function() end", source{{1, 1}: "_M.f"}},
		{"_M.f =\n  function() end", source{{2, 2}: "_M.f"}},
		{`_M["f g"] = function() end`, source{{1, 1}: "_M[f g]"}},
		{`return { ["f"] = function() end, g = function()
			end }`, source{{1, 1}: "f", {1, 2}: "g"}},
		{"return function() end", source{{1, 1}: ""}},
		{"pcall(function() end)", source{{1, 1}: ""}},
		{"x = y or function() end", source{{1, 1}: ""}},
		{"local f\nf = g(function()\nend)", source{{2, 3}: ""}},
		// LuaJIT takes the line of "(".
		{"local function\nf\n(a) end", source{{3, 3}: "f"}},
		// Two that cannot be told apart have no name, two that can do.
		{"local f = function() end local g = function() end", source{{1, 1}: ""}},
		{"local function f() return function()\nend\nend", source{{1, 3}: "f", {1, 2}: ""}},
		// Blocks.
		{"function f()\n if a then b() elseif c then d() else e() end\n for i = 1, 2 do end\n while x do end\n repeat until y\n do end\nend",
			source{{1, 7}: "f"}},
		// Words in strings and comments are none of Lua.
		{"#!/usr/bin/lua end\nlocal function f() -- end\n local s = 'end' .. \"function \\\" end\"\nend", source{{2, 4}: "f"}},
		{"--[[ function g() ]] local function f() --[==[ end ]] \n ]==] end", source{{1, 2}: "f"}},
		{"local s = [[ end\n]] local t = [=[ ]] end ]=] function f() end", source{{2, 2}: "f"}},
		{"local s = 'a\\\nb' function f() end", source{{2, 2}: "f"}},
		{"f = a[b[1]] == 2 and function() end", source{{1, 1}: ""}},
		// What is no Lua.
		{"end end function f() end", source{}},
		{"function", source{}},
		{"function f() 'unended", source{}},
		{"--[[", source{}},
		{"", source{}},
		{"\x00\xff\x80", source{}},
	} {
		if got := parseSource([]byte(tt.text)); !maps.Equal(got, tt.want) {
			t.Errorf("%q: %v, want %v", tt.text, got, tt.want)
		}
	}
}

func TestParseWorkload(t *testing.T) {
	text, err := os.ReadFile("testdata/workload.lua")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, name := range parseSource(text) {
		names[name] = true
	}
	if n := strings.Count(string(text), "function(") + strings.Count(string(text), "function _M") + strings.Count(string(text), "local function "); len(names) != n-1 {
		t.Errorf("%d names of %d functions, of which two have the same: %v", len(names), n, names)
	}
	for _, name := range []string{"leaf", "_M.interpreted", "_M:strings", "__index", "number.__add", "_M.pause"} {
		if !names[name] {
			t.Errorf("no function %s", name)
		}
	}
}

func FuzzParseSource(f *testing.F) {
	f.Add([]byte("local function f() return [==[ x ]==] end"))
	f.Add([]byte("function a.b:c(...) if x then end end -- \n--[[ ]]"))
	f.Add([]byte(`t = { ["a\"b"] = function() end, [1] = 'x' }`))
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := strings.Count(string(text), "\n") + 1
		for at, name := range parseSource(text) {
			if at.first < 1 || at.last < at.first || at.last > lines || len(name) > len(text) {
				t.Errorf("%+v is called %q", at, name)
			}
		}
	})
}
