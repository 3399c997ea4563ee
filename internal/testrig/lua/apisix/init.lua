-- The gateway's phases, in the shape of APISIX's own apisix/init.lua: one
-- function for each nginx phase, one table for each request in
-- ngx.ctx.api_ctx, and the plugins of the matched route run in between.
local ctx_new = require("apisix.core.ctx").new
local ctxdump = require("apisix.core.ctxdump")
local response = require("apisix.core.response")
local tablepool = require("apisix.core.tablepool")
local balancer = require("apisix.balancer")
local context_log = require("apisix.context_log")
local plugin = require("apisix.plugin")
local router = require("apisix.router")
local settings = require("apisix.settings")
local timers = require("apisix.timers")
local upstreams = require("apisix.upstreams")

local ngx = ngx
local _M = {}


function _M.http_init_worker()
    math.randomseed(ngx.worker.pid() * 1000 + ngx.time())
    timers.start()
end


local function set_upstream(route, api_ctx)
    local upstream = upstreams[route.value.upstream_id]
    api_ctx.matched_upstream = upstream
    api_ctx.upstream_conf = upstream
    api_ctx.upstream_key = route.value.upstream_id
    api_ctx.upstream_scheme = upstream.scheme or "http"
    ngx.var.upstream_scheme = api_ctx.upstream_scheme

    if upstream.pass_host == "node" then
        ngx.var.upstream_host = upstream.nodes[1]
    end
    if upstream.keepalive == false then
        ngx.var.upstream_pool = "apisix_fresh"
        ngx.var.upstream_connection = "close"
    end
    if route.value.enable_websocket and ngx.var.http_upgrade then
        ngx.var.upstream_upgrade = ngx.var.http_upgrade
        ngx.var.upstream_connection = "upgrade"
    end
end


function _M.http_access_phase()
    local api_ctx = ctx_new()
    ngx.ctx.api_ctx = api_ctx

    local route = router.match(api_ctx)
    if not route then
        return response.exit(404, '{"error_msg":"404 Route Not Found"}')
    end

    local plugins = plugin.filter(route)
    api_ctx.plugins = plugins

    -- APISIX runs its rewrite plugins in nginx's access phase, and knows the
    -- upstream once no plugin has ended the request.
    plugin.run_plugin("rewrite", plugins, api_ctx)
    plugin.run_plugin("access", plugins, api_ctx)
    set_upstream(route, api_ctx)
    plugin.run_plugin("before_proxy", plugins, api_ctx)

    if api_ctx.upstream_scheme == "grpc" then
        ngx.var.ctx_ref = ctxdump.stash_ngx_ctx()
        return ngx.exec("@grpc_pass")
    end
end


-- grpc_access_phase runs after that redirect.
function _M.grpc_access_phase()
    local ref = ngx.var.ctx_ref
    ngx.var.ctx_ref = ""
    ngx.ctx = ctxdump.apply_ngx_ctx(ref)
end


function _M.http_balancer_phase()
    balancer.run(ngx.ctx.api_ctx)
end


local function common_phase(phase)
    local api_ctx = ngx.ctx.api_ctx
    if api_ctx and api_ctx.plugins then
        plugin.run_plugin(phase, api_ctx.plugins, api_ctx)
    end
    return api_ctx
end


function _M.http_header_filter_phase()
    ngx.header["Server"] = "APISIX/testrig"
    common_phase("header_filter")
end


function _M.http_body_filter_phase()
    common_phase("body_filter")
end


function _M.http_log_phase()
    local api_ctx = common_phase("log")
    if api_ctx then
        if settings.context_log then
            context_log.write(settings.context_log, api_ctx)
        end
        ngx.ctx.api_ctx = nil
        tablepool.release("api_ctx", api_ctx)
    end
end


return _M
