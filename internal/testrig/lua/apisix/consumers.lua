-- Consumers by name, as key-auth knows them. names.go tells Go of the same ones.
return {
    ["mobile-app"] = { username = "mobile-app", key = "rig-key" },
    ["web-app"] = { username = "web-app", key = "rig-web-key" },
    ["anonymous"] = { username = "anonymous" },
}
