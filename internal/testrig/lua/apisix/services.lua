-- Services by id; the value is the service's name.
return {
    ["shop"] = "web-shop",
    ["edge"] = "edge-cases",
    ["media"] = "media-store",
}
