package gateway

import (
	"errors"
	"os"
	"strings"
	"syscall"
)

// RoleOf reads what a process is for at present, which its title tells. It is empty where the
// title is none of nginx's, and RoleMaster right after the master has forked the process. The
// error is os.ErrNotExist where it has exited.
func RoleOf(pid int) (Role, error) {
	data, err := os.ReadFile(procPath(pid, "cmdline"))
	title := parseTitle(data)
	switch {
	case errors.Is(err, syscall.ESRCH), err == nil && title == "": // it dies, or is not yet waited for
		return "", os.ErrNotExist
	case err != nil:
		return "", err
	case strings.HasPrefix(title, "nginx: master process"):
		return RoleMaster, nil
	case strings.HasPrefix(title, "nginx: "):
		return roleOf(title), nil
	}
	return "", nil
}
