-- Tables are handed out again after a request, as OpenResty's tablepool does:
-- whoever reads them from outside must do so before the log phase.
local clear = require("table.clear")
local new = require("table.new")

local pools = {}
local max_pool_size = 200
local _M = {}


-- fetch returns an empty table; a new one has room for that many items.
function _M.fetch(tag, narr, nrec)
    local pool = pools[tag]
    if pool and pool.n > 0 then
        local tab = pool[pool.n]
        pool[pool.n] = nil
        pool.n = pool.n - 1
        return tab
    end
    return new(narr, nrec)
end


function _M.release(tag, tab)
    local pool = pools[tag]
    if not pool then
        pool = { n = 0 }
        pools[tag] = pool
    end
    if pool.n < max_pool_size then
        clear(tab)
        pool.n = pool.n + 1
        pool[pool.n] = tab
    end
end


return _M
