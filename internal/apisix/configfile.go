package apisix

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/internal/hint"
)

const (
	usualHome = "/usr/local/apisix"
	maxConfig = 4 << 20
)

// FindConfig reads the configuration of the gateway whose master has this pid and title.
func FindConfig(pid int, title string) (*Config, error) {
	c, err := findConfig(fmt.Sprintf("/proc/%d", pid), title)
	if err == nil {
		c.Dial = dialIn(pid)
	}
	return c, err
}

func findConfig(proc, title string) (*Config, error) {
	root, err := os.OpenFile(proc+"/root", unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, fmt.Errorf("find the gateway's conf/config.yaml: %w", err)
	}
	defer root.Close()
	cwd, err := os.Readlink(proc + "/cwd")
	if err != nil {
		cwd = "/"
	}
	var tried []string
	for _, home := range homes(title, cwd) {
		name := path.Join(home, "conf/config.yaml")
		// "apisix start -c FILE" leaves the name here.
		if other, err := readIn(root, path.Join(home, "conf/.customized_config_path")); err == nil {
			name = path.Join(home, strings.TrimSpace(string(other)))
			if path.IsAbs(strings.TrimSpace(string(other))) {
				name = strings.TrimSpace(string(other))
			}
		}
		file, err := readIn(root, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			tried = append(tried, name)
			continue
		case err != nil:
			return nil, hint.Wrap(fmt.Errorf("read %s of the gateway: %w", name, err), "run as root, or name the Admin API with --admin")
		}
		defaults, err := readIn(root, path.Join(home, "conf/config-default.yaml"))
		if err != nil {
			defaults = nil // later versions have none
		}
		c, err := ReadConfig(name, file, defaults, environ(proc))
		if err == nil && c.Resources != "" {
			c.Resources = path.Join(home, c.Resources)
			c.ReadResources = func() ([]byte, error) { return readResources(proc, c.Resources) }
		}
		return c, err
	}
	return nil, hint.Wrap(fmt.Errorf("find the gateway's conf/config.yaml: not at %s", strings.Join(tried, ", ")), "name the Admin API with --admin")
}

// readResources reads the resources of a gateway from its file, as JSON.
func readResources(proc, name string) ([]byte, error) {
	root, err := os.OpenFile(proc+"/root", unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	data, changed, err := readDated(root, name)
	if err == nil && path.Ext(name) == ".yaml" {
		data, err = fromYAML(data, changed)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s of the gateway: %w", name, err)
	}
	return data, nil
}

// homes are the directories where APISIX may be: nginx's prefix as its title tells it, where it
// runs, and the usual one.
func homes(title, cwd string) []string {
	var all []string
	words := strings.Fields(title)
	for i, w := range words {
		if w == "-p" && i+1 < len(words) {
			w = words[i+1]
			if !path.IsAbs(w) {
				w = path.Join(cwd, w)
			}
			all = append(all, path.Clean(w))
		}
	}
	for _, home := range []string{cwd, usualHome} {
		if len(all) == 0 || all[len(all)-1] != home {
			all = append(all, home)
		}
	}
	return all
}

// readIn reads a regular file of another root directory. Links lead nowhere outside of it.
func readIn(root *os.File, name string) ([]byte, error) {
	data, _, err := readDated(root, name)
	return data, err
}

// readDated is readIn, and tells when the file was changed, in seconds since 1970.
func readDated(root *os.File, name string) ([]byte, int64, error) {
	fd, err := unix.Openat2(int(root.Fd()), name, &unix.OpenHow{
		Flags: unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY, Resolve: unix.RESOLVE_IN_ROOT,
	})
	if err != nil {
		return nil, 0, err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, 0, errors.Join(err, errors.New("not a regular file"))
	}
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err == nil && len(data) > maxConfig {
		err = errors.New("too long")
	}
	return data, info.ModTime().Unix(), err
}

// environ is a process's environment; nil where it cannot be read.
func environ(proc string) map[string]string {
	data, err := os.ReadFile(proc + "/environ")
	if err != nil {
		return nil
	}
	all := map[string]string{}
	for entry := range bytes.SplitSeq(data, []byte{0}) {
		if name, value, ok := strings.Cut(string(entry), "="); ok && name != "" {
			all[name] = value
		}
	}
	return all
}
