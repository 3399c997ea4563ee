-- An HTTP/1.1 client over a cosocket, no larger than the plugins need.
local tcp = ngx.socket.tcp
local concat = table.concat
local pairs = pairs
local tonumber = tonumber
local _M = {}


local function request_head(node, path, params)
    local out = { params.method or "GET", " ", path, " HTTP/1.1\r\nHost: ", node.host, ":", node.port, "\r\n" }
    for name, value in pairs(params.headers) do
        out[#out + 1] = name .. ": " .. value .. "\r\n"
    end
    if params.body then
        out[#out + 1] = "Content-Length: " .. #params.body .. "\r\n"
    end
    out[#out + 1] = "\r\n"
    return concat(out)
end


-- read_response knows bodies with a length alone: all services of the rig send one.
local function read_response(sock)
    local line, err = sock:receive("*l")
    if not line then
        return nil, err
    end
    local res = { status = tonumber(line:sub(10, 12)), headers = {} }
    while true do
        line, err = sock:receive("*l")
        if not line then
            return nil, err
        end
        if line == "" then
            break
        end
        local name, value = line:match("^([^:]+):%s*(.*)$")
        res.headers[name] = value
    end
    res.body, err = sock:receive(tonumber(res.headers["Content-Length"]))
    return res.body and res, err
end


-- request makes one request of the node. The connection goes back to the
-- worker's pool for the node when params.keepalive is true.
function _M.request(node, path, params)
    local sock = tcp()
    sock:settimeout(params.timeout or 3000)
    local pool = params.keepalive and node.host .. ":" .. node.port or "none"
    local ok, err = sock:connect(node.host, node.port, { pool = pool })
    if not ok then
        return nil, "connect: " .. err
    end

    local _
    _, err = sock:send(request_head(node, path, params) .. (params.body or ""))
    if err then
        return nil, "send: " .. err
    end
    local res
    res, err = read_response(sock)
    if not res then
        sock:close()
        return nil, "read: " .. (err or "no status")
    end

    if params.keepalive then
        sock:setkeepalive(60000, 5)
    else
        sock:close()
    end
    return res
end


return _M
