-- What the locations of the profile rig do.
local clock = require("profile.clock")
local work = require("profile.work")
local ffi = require("ffi")

local jit = jit
local ipairs = ipairs
local math = math
local ngx = ngx
local pairs = pairs
local require = require
local tonumber = tonumber

ffi.cdef "int usleep(unsigned);"

local _M = {}


-- All kinds of work, in an order that is another one each time.
function _M.all()
    local order = {}
    for i = 1, #work.all do
        local j = math.random(i)
        order[i] = order[j]
        order[j] = work.all[i]
    end
    for i = 1, #order do
        local kind = order[i]
        clock.run(kind[1], kind[2], kind[3], clock.about(250))
    end
    ngx.say("ok")
end


-- One kind alone, for as many milliseconds.
function _M.one()
    local kind = work.by_name[ngx.var.arg_kind]
    clock.run(kind[1], kind[2], kind[3], clock.about(tonumber(ngx.var.arg_ms or 1) * 1000))
    ngx.say("ok")
end


-- As many milliseconds, in two parts: another request may run between them.
function _M.burn(ms)
    for _ = 1, 2 do
        if ms ~= 0 then
            clock.run("burn", work.by_name.compiled[2], 300, tonumber(ms) * 500)
        end
        ngx.sleep(0.001)
    end
    ngx.say("ok")
end


function _M.burn_in_log(ms)
    clock.run("burn in log", work.by_name.compiled[2], 300, tonumber(ms) * 1000)
end


-- A call of C that blocks.
local function blocks_in_c(micros)
    ffi.C.usleep(micros)
end
jit.off(blocks_in_c) -- a trace that inlines it, and checks nothing in it, does not tell of it


function _M.block()
    blocks_in_c(3000)
    ngx.say("ok")
end


-- A timer that keeps the event loop busy, and one that blocks it.
local function stalls_busy(_, micros)
    clock.run("stall", work.by_name.interpreted[2], 300, micros)
end
jit.off(stalls_busy)


local function stalls_asleep(_, micros)
    blocks_in_c(micros)
end


function _M.stall()
    local micros = tonumber(ngx.var.arg_ms or 30) * 1000
    ngx.timer.at(0, ngx.var.arg_how == "asleep" and stalls_asleep or stalls_busy, micros)
    ngx.say("ok")
end


-- Routes of APISIX: each with plugins, and each plugin with what it burns, in µs. The api_ctx
-- is what APISIX has of a request.
local routes = {
    ["1"] = { name = "one", service = "s1", consumer = "ann", plugins = { ["burn-a"] = 600, ["burn-b"] = 200 } },
    ["2"] = { name = "two", service = "s1", consumer = "bob", plugins = { ["burn-c"] = 400, ["burn-a"] = 100 } },
    ["3"] = { name = "three", service = "s2", consumer = "ann", plugins = { ["burn-d"] = 300 } },
    ["4"] = { name = "four", service = "s2", plugins = { ["burn-e"] = 250, ["burn-f"] = 250 } },
    ["5"] = { name = "five", plugins = { ["burn-f"] = 800, ["burn-b"] = 100 } },
}
local plugins = {}
for _, name in ipairs({ "burn-a", "burn-b", "burn-c", "burn-d", "burn-e", "burn-f" }) do
    plugins[name] = require("profile.apisix.plugins." .. name)
end


-- Each plugin runs in the phase that it has a function for.
local function run_plugins(ctx, phase)
    local route = routes[ctx.route_id]
    for name, micros in pairs(route.plugins) do
        local plugin = plugins[name]
        if plugin[phase] then
            ctx._plugin_name = name
            local began = clock.cpu()
            plugin[phase](clock.about(micros), ctx)
            local ns = clock.cpu() - began
            clock.add("plugin " .. name, ns)
            clock.add("phase " .. phase, ns)
            clock.add("route " .. ctx.route_id, ns)
        end
    end
    ctx._plugin_name = nil
end
jit.off(run_plugins)


function _M.http_access_phase()
    local id = ngx.var.arg_route
    local route = routes[id]
    ngx.ctx.api_ctx = {
        route_id = id, route_name = route.name, service_id = route.service, consumer_name = route.consumer,
    }
    run_plugins(ngx.ctx.api_ctx, "access")
end


function _M.http_header_filter_phase()
    run_plugins(ngx.ctx.api_ctx, "header_filter")
end


function _M.http_log_phase()
    run_plugins(ngx.ctx.api_ctx, "log")
end


return _M
