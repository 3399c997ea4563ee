-- Takes ngx.ctx through an internal redirect, which would clear it: the table
-- waits here, under a number that an nginx variable can carry.
local ngx = ngx
local tonumber = tonumber

local stashed = {}
local free = {} -- numbers to use again
local _M = {}


function _M.stash_ngx_ctx()
    local ref = #free > 0 and free[#free] or #stashed + 1
    free[#free] = nil
    stashed[ref] = ngx.ctx
    return ref
end


-- apply_ngx_ctx returns the table and forgets it.
function _M.apply_ngx_ctx(ref)
    ref = tonumber(ref)
    local ctx = ref and stashed[ref]
    if not ctx then
        return nil, "bad ref value"
    end
    stashed[ref] = false
    free[#free + 1] = ref
    return ctx
end


return _M
