package testrig

import (
	"embed"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed lua
var luaFiles embed.FS

// writeLua copies the Lua modules into the rig's directory, where nginx's workers read
// them, and adds apisix/nodes.lua with the addresses of the nodes and apisix/settings.lua.
func (r *Rig) writeLua(nodes map[string]string) error {
	err := fs.WalkDir(luaFiles, "lua", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(r.dir, path), 0o755)
		}
		text, err := luaFiles.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(r.dir, path), text, 0o644)
	})
	if err != nil {
		return fmt.Errorf("write Lua modules: %w", err)
	}

	addresses, err := nodesLua(nodes)
	if err != nil {
		return err
	}
	settings := "-- What the rig was asked for.\nreturn {\n"
	if r.opts.APISIXLog {
		settings += "    apisix_log = true,\n"
	}
	if r.opts.ContextLog {
		settings += fmt.Sprintf("    context_log = %q,\n", r.contextLogPath())
	}
	settings += "}\n"
	for name, text := range map[string]string{"nodes.lua": addresses, "settings.lua": settings} {
		if err := os.WriteFile(filepath.Join(r.dir, "lua", "apisix", name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func nodesLua(nodes map[string]string) (string, error) {
	var lines []string
	for name, addr := range nodes {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return "", fmt.Errorf("write apisix/nodes.lua: node %s: %w", name, err)
		}
		lines = append(lines, fmt.Sprintf("    [%q] = { host = %q, port = %s },\n", name, host, port))
	}
	slices.Sort(lines)
	return "-- Addresses of the nodes.\nreturn {\n" + strings.Join(lines, "") + "}\n", nil
}
