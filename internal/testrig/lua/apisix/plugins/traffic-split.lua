-- Draws a variant by weight. The variants come out of a coroutine, so that
-- the gateway runs Lua on more than one stack, as real plugins do.
local pairs = pairs
local random = math.random
local wrap, yield = coroutine.wrap, coroutine.yield

local _M = { version = 0.1, priority = 966, name = "traffic-split" }


local function variants(weights)
    return wrap(function()
        local upto = 0
        for name, weight in pairs(weights) do
            upto = upto + weight
            yield(name, upto)
        end
    end)
end


function _M.access(conf, ctx)
    local draw = random(1, 10)
    for name, upto in variants(conf.weights) do
        if draw <= upto then
            ctx.traffic_variant = name
            return
        end
    end
end


return _M
