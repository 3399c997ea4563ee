-- Services by id.
return {
    ["shop"] = { id = "shop", name = "web-shop", modifiedIndex = 31 },
    ["edge"] = { id = "edge", name = "edge-cases", modifiedIndex = 32 },
    ["media"] = { id = "media", name = "media-store", modifiedIndex = 33 },
    ["partners"] = { id = "partners", name = "partner-api", modifiedIndex = 34 },
}
