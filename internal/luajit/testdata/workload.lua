-- What the tests know the call graph of: edges_test.go lists its edges, and the
-- lines that are marked "@name".
local ffi = require "ffi"
ffi.cdef [[ int usleep(unsigned usec); ]]

local C = ffi.C
local sort, gsub, rep = table.sort, string.gsub, string.rep

local _M = {}

-- Compiled, with calls that are inlined.
local function leaf(a, b)
    if a > b then -- @leaf
        return (a * 3 + b) % 1000003
    end
    return a + b
end

local function middle(a, i)
    local r = a
    for k = 1, 8 do
        r = leaf(r, i + k) -- @middle
    end
    return r
end

function _M.compiled(n)
    local x = 1
    for i = 1, n do
        x = middle(x, i) -- @compiled
    end
    return x
end

-- Interpreted.
local function inner(x)
    local y = x % 7
    if y > 3 then
        return x + y
    end
    return x - y
end

_M.interpreted = function(n)
    local x = 1
    for i = 1, n do
        x = inner(x + i)
    end
    return x
end
jit.off(inner)
jit.off(_M.interpreted)

-- Varargs: a vararg function has two frames.
local function sum(...)
    local s = 0
    for i = 1, select("#", ...) do
        s = s + leaf((select(i, ...)), s)
    end
    return s
end

function _M.varargs(n)
    local s = 0
    for i = 1, n do
        s = s + sum(i, 2, 3) % 5
    end
    return s
end

-- Metamethods.
local proxy = setmetatable({}, { __index = function(_, key)
    local x = 0
    for i = 1, 30 do
        x = x + (i * #key) % 7
    end
    return x
end })

local number = {}
number.__add = function(a, b)
    return setmetatable({ v = leaf(a.v, b.v) }, number)
end

function _M.metamethods(n)
    local s, v = 0, setmetatable({ v = 1 }, number)
    for i = 1, n do
        s = s + proxy["key" .. i % 10]
        v = v + v
    end
    return s + v.v
end

-- Called back by a builtin.
local function descending(a, b) return a > b end

function _M.sorted(n)
    local t = {}
    for i = 1, n do t[i] = i * 7919 % 1009 end
    sort(t, descending)
    return t[1]
end

local function upper(s) return s:upper() .. rep("x", #s) end

function _M:strings(n)
    local s
    for i = 1, n do
        s = gsub("the quick brown fox", "%w+", upper)
    end
    return s
end

local function thrower(i)
    if i % 2 == 0 then error("odd " .. i) end
    return i
end

function _M.caught(n)
    local bad = 0
    for i = 1, n do
        if not pcall(thrower, i) then bad = bad + 1 end
    end
    return bad
end

local function depth(n)
    if n == 0 then return 0 end
    return 1 + depth(n - 1)
end

function _M.recursive(n)
    local s = 0
    for _ = 1, n do s = s + depth(40) end
    return s
end

local function body(n)
    local s = 0
    for i = 1, n do
        s = s + i % 5
        if i % 50 == 0 then coroutine.yield(s) end
    end
    return s
end

function _M.coroutines(n)
    local co, r = coroutine.create(body), 0
    while coroutine.status(co) ~= "dead" do
        local _, v = coroutine.resume(co, n)
        r = r + (v or 0)
    end
    return r
end

local scale = { compiled = 400, interpreted = 300, varargs = 300, metamethods = 60, sorted = 60, caught = 60, recursive = 20, coroutines = 500 }

function _M.work()
    for name, n in pairs(scale) do
        _M[name](n)
    end
    _M:strings(20)
end
jit.off(_M.work)

-- A stack that stands still: pause -> pcall -> guarded -> spread (vararg) -> __index of
-- still -> table.sort -> compare -> string.gsub -> each -> usleep.
local micros, asleep

local function each(s)
    if not asleep then
        asleep = true
        C.usleep(micros) -- @each
    end
    return s
end

local function compare(a, b)
    gsub("once", "%w+", each) -- @compare
    return a < b
end

local still = setmetatable({}, {
    ["__index"] = function()
        sort({ 2, 1 }, compare) -- @__index
        return 1
    end,
})

local function spread(...)
    local n = still.any -- @spread
    return n, ...
end

local function guarded(n)
    local a = spread(n, n + 1) -- @guarded
    return a
end

function _M.pause(n)
    micros, asleep = n, false
    local ok, err = pcall(guarded, n) -- @pause
    assert(ok, err)
end

return _M
