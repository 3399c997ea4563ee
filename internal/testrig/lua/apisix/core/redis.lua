-- A Redis client over a cosocket, no larger than the plugins need.
local tcp = ngx.socket.tcp
local concat = table.concat
local tonumber = tonumber
local _M = {}


local function encode(...)
    local n = select("#", ...)
    local out = { "*", n, "\r\n" }
    for i = 1, n do
        local word = tostring(select(i, ...))
        out[#out + 1] = "$" .. #word .. "\r\n" .. word .. "\r\n"
    end
    return concat(out)
end


local function read_reply(sock)
    local line, err = sock:receive("*l")
    if not line then
        return nil, err
    end
    local kind, rest = line:sub(1, 1), line:sub(2)
    if kind == "-" then
        return nil, rest
    end
    if kind == ":" then
        return tonumber(rest)
    end
    if kind == "$" and rest ~= "-1" then
        local data
        data, err = sock:receive(tonumber(rest) + 2)
        return data and data:sub(1, -3), err
    end
    return rest
end


-- call runs one command. The connection goes back to the worker's pool when
-- keepalive is true, and is closed otherwise.
function _M.call(node, keepalive, ...)
    local sock = tcp()
    sock:settimeouts(1000, 1000, 1000)
    -- connect takes a pooled connection whenever there is one, so those that
    -- are to be new look into a pool that nobody fills.
    local pool = keepalive and "redis" or "none"
    local ok, err = sock:connect(node.host, node.port, { pool = pool })
    if not ok then
        return nil, "connect to redis: " .. err
    end

    local _
    _, err = sock:send(encode(...))
    if err then
        return nil, "send to redis: " .. err
    end
    local reply
    reply, err = read_reply(sock)
    if err then
        sock:close()
        return nil, "read from redis: " .. err
    end

    if keepalive then
        sock:setkeepalive(10000, 100)
    else
        sock:close()
    end
    return reply
end


return _M
