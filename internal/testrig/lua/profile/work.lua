-- Functions of every kind that there is on a Lua stack, each called by name.
local ffi = require("ffi")

local coroutine = coroutine
local error = error
local ipairs = ipairs
local jit = jit
local ngx = ngx
local pcall = pcall
local select = select
local setmetatable = setmetatable
local string = string
local table = table
local tostring = tostring

ffi.cdef [[
void qsort(void *, size_t, size_t, int (*)(const int *, const int *));
int memcmp(const void *, const void *, size_t);
]]

local _M = {}
local text = string.rep("the quick brown fox jumps over the lazy dog 12345 ", 20)


-- Bytecode alone.
local function interpreted_step(x)
    local y = x % 7
    if y > 3 then
        return x + y
    end
    return x - y
end
local function interpreted(n)
    local x = 1
    for i = 1, n do
        x = interpreted_step(x + i)
    end
    return x
end
jit.off(interpreted)
jit.off(interpreted_step)


-- Machine code, into which two functions are inlined.
local function compiled_leaf(a, b)
    return (a * 3 + b) % 1000003
end
local function compiled_middle(a, i)
    local r = a
    for k = 1, 8 do
        r = compiled_leaf(r, i + k)
    end
    return r
end
local function compiled(n)
    local x = 1
    for i = 1, n do
        x = compiled_middle(x, i)
    end
    return x
end


-- C that is called through the FFI.
local left, right = ffi.new("char[4096]"), ffi.new("char[4096]")
local function foreign(n)
    local x = 0
    for _ = 1, n do
        x = x + ffi.C.memcmp(left, right, 4096)
    end
    return x
end


-- C that calls back into Lua.
local numbers = ffi.new("int[256]")
local function callback_compare(a, b)
    return a[0] - b[0]
end
local compare = ffi.cast("int (*)(const int *, const int *)", callback_compare)
local function callback(n)
    for i = 0, n - 1 do
        numbers[i] = (i * 7919) % 1009
    end
    ffi.C.qsort(numbers, n, 4, compare)
end
jit.off(callback)


-- A builtin that calls back into Lua.
local function sorted_compare(a, b)
    return a > b
end
local function sorted(n)
    local t = {}
    for i = 1, n do
        t[i] = (i * 7919) % 1009
    end
    table.sort(t, sorted_compare)
    return t[1]
end


-- PCRE's own machine code.
local function matched(n)
    local count = 0
    for _ = 1, n do
        local _, times = ngx.re.gsub(text, [[(\w+)\s(\d+)]], "$2-$1", "jo")
        count = count + times
    end
    return count
end


-- Errors that are caught.
local function caught_thrower(i)
    if i % 2 == 0 then
        error("odd one out: " .. i)
    end
    return string.rep("x", i % 13)
end
local function caught(n)
    local bad = 0
    for i = 1, n do
        if not pcall(caught_thrower, i) then
            bad = bad + 1
        end
    end
    return bad
end


-- Coroutines that the nginx module runs: their bodies are on no stack of their creator's.
local function scheduled_body(n)
    local sum = 0
    for i = 1, n do
        sum = sum + i % 5
    end
    coroutine.yield(sum)
    return sum
end
local function scheduled(n)
    local co = coroutine.create(scheduled_body)
    local sum = 0
    while coroutine.status(co) ~= "dead" do
        local _, more = coroutine.resume(co, n)
        sum = sum + more
    end
    return sum
end


-- Coroutines as LuaJIT itself runs them.
local function resumed_body(n)
    local sum = 0
    for i = 1, n do
        sum = sum + i % 5
        if i % 50 == 0 then
            coroutine._yield(sum)
        end
    end
    return sum
end
local function resumed(n)
    local co = coroutine._create(resumed_body)
    local sum = 0
    while coroutine._status(co) ~= "dead" do
        local _, more = coroutine._resume(co, n)
        sum = sum + (more or 0)
    end
    return sum
end


-- Variable arguments.
local function variable_sum(...)
    local sum = 0
    for i = 1, select("#", ...) do
        sum = sum + (select(i, ...))
    end
    return sum
end
local function variable(n)
    local sum = 0
    for i = 1, n do
        sum = sum + variable_sum(i, 2, 3, i, 5)
    end
    return sum
end


-- Metamethods.
local function indexed_missing(_, key)
    local x = 0
    for i = 1, 30 do
        x = x + (i * #key) % 7
    end
    return x
end
local proxy = setmetatable({}, { __index = indexed_missing })
local function indexed(n)
    local sum = 0
    for i = 1, n do
        sum = sum + proxy["key" .. i % 10]
    end
    return sum
end
jit.off(indexed)
jit.off(indexed_missing)


-- Recursion.
local function recursive_down(n)
    if n == 0 then
        return 0
    end
    return 1 + recursive_down(n - 1)
end
local function recursive(n)
    local sum = 0
    for _ = 1, n do
        sum = sum + recursive_down(40)
    end
    return sum
end


-- Strings that are put together and taken apart.
local function strings(n)
    local t = {}
    for i = 1, n do
        t[#t + 1] = string.format("%s-%d", string.sub("abcdefghijkl", i % 7 + 1), i)
    end
    local s = table.concat(t, ",")
    s = string.gsub(s, "%-(%d+)", "<%1>")
    return (string.find(s, "<" .. n .. ">", 1, true))
end


-- Garbage.
local function garbage(n)
    local kept
    for i = 1, n do
        kept = { kept = { i }, name = tostring(i), i, i + 1 }
    end
    return kept
end


-- C functions of a module.
local function module(n)
    local size = 0
    for _ = 1, n do
        size = size + #ngx.quote_sql_str(text)
    end
    return size
end


-- C functions by the FFI, in OpenSSL's assembly.
local function digested(n)
    local digest = "x"
    for _ = 1, n do
        digest = ngx.md5(digest .. text)
    end
    return digest
end


-- Each with how large a piece of it is. A piece takes some 20 µs.
_M.all = {
    { "interpreted", interpreted, 300 }, { "compiled", compiled, 300 }, { "foreign", foreign, 100 },
    { "callback", callback, 40 }, { "sorted", sorted, 60 }, { "matched", matched, 2 }, { "caught", caught, 40 },
    { "scheduled", scheduled, 20000 }, { "resumed", resumed, 500 }, { "variable", variable, 200 },
    { "indexed", indexed, 60 }, { "recursive", recursive, 20 }, { "strings", strings, 20 },
    { "garbage", garbage, 60 }, { "module", module, 10 }, { "digested", digested, 4 },
}
_M.by_name = {}
for _, kind in ipairs(_M.all) do
    _M.by_name[kind[1]] = kind
end


return _M
