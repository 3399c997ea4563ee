package cmd_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// undoer runs the real program against an Admin API.
type undoer struct {
	*api
	tool  string
	state string // the directory of undos
}

// user makes one with undos of their own.
func user(t *testing.T, tool string) *undoer {
	return &undoer{api: newAPI(t), tool: tool, state: t.TempDir()}
}

// begin starts the program. What it says never has a secret.
func (u *undoer) begin(t *testing.T, line string) *running {
	t.Helper()
	args := append(strings.Fields(line), "--admin", u.addr, "--admin-timeout", "1s")
	r := command(t, u.tool, args...)
	r.Env = append(os.Environ(), "APISIX_ADMIN_KEY="+sesame, "XDG_STATE_HOME="+u.state)
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Process.Kill()
		r.Wait()
		for _, secret := range []string{sesame, planted, "new-secret"} {
			if strings.Contains(r.out.String()+r.errs.String(), secret) {
				t.Errorf("%s: a secret is shown:\n%s%s", line, &r.out, &r.errs)
			}
		}
		t.Logf("$ apisixscope %s\n%s%sexit code %d", line, &r.out, &r.errs, r.ProcessState.ExitCode())
	})
	return r
}

// run runs the program to its end, and wants the exit code, and words on stderr.
func (u *undoer) run(t *testing.T, code int, line string, words ...string) *running {
	t.Helper()
	r := u.begin(t, line).ends(t, code)
	for _, w := range words {
		if !strings.Contains(r.errs.String(), w) {
			t.Errorf("%s: it does not say %q: %s", line, w, &r.errs)
		}
	}
	return r
}

// saved returns the ids of the undos on the disk, which nobody else can read.
func (u *undoer) saved(t *testing.T) []string {
	t.Helper()
	var ids []string
	files, err := filepath.Glob(filepath.Join(u.state, "apisixscope/undo", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
		data, err := os.ReadFile(f)
		if err != nil || strings.Contains(string(data), sesame) || !json.Valid(data) {
			t.Errorf("%s: %v: not JSON, or the key is in it", f, err)
		}
		ids = append(ids, strings.TrimSuffix(filepath.Base(f), ".json"))
	}
	return ids
}

// only is the one undo that there is.
func (u *undoer) only(t *testing.T) string {
	t.Helper()
	ids := u.saved(t)
	if len(ids) != 1 {
		t.Fatalf("undos: %q, want one", ids)
	}
	return ids[0]
}

// clean wants nothing left: the route as it was, and no file.
func (u *undoer) clean(t *testing.T, want map[string]any) {
	t.Helper()
	u.was(t, "routes/1", want)
	if left, _ := filepath.Glob(filepath.Join(u.state, "apisixscope/undo", "*")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func kill(t *testing.T, r *running, s syscall.Signal) {
	t.Helper()
	if err := r.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	r.Wait()
}

const limit = ` limit-count --route 1 --config {"count":2,"time_window":60}`

// TestUndo is what may happen to a change for a while: nothing is lost, and restore finishes.
func TestUndo(t *testing.T) {
	tool := buildTool(t)
	for name, test := range map[string]func(*testing.T, *undoer, map[string]any){
		"to its end": func(t *testing.T, u *undoer, was map[string]any) {
			r := u.begin(t, "admin plugin enable"+limit+" --for 1s")
			r.says(t, "limit-count is enabled until")
			if got := names(u.plugins("routes/1")); got != "limit-count,openid-connect,prometheus" {
				t.Errorf("plugins: %s", got)
			}
			line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", r.Process.Pid))
			if err != nil || strings.Contains(string(line), sesame) {
				t.Errorf("%q, %v", line, err)
			}
			u.only(t)
			r.ends(t, 0).says(t, "route 1: limit-count is as it was before")
			u.clean(t, was)
		},
		"interrupted": func(t *testing.T, u *undoer, was map[string]any) {
			for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
				r := u.begin(t, "admin plugin enable"+limit+" --for 1h")
				r.says(t, "Ctrl-C undoes it at once")
				kill(t, r, s)
				r.ends(t, 0)
				u.clean(t, was)
			}
		},
		"killed": func(t *testing.T, u *undoer, was map[string]any) {
			r := u.begin(t, "admin plugin enable"+limit+" --for 5s")
			r.says(t, "if this process is killed before: apisixscope restore ")
			kill(t, r, syscall.SIGKILL)
			id := u.only(t)
			if !strings.Contains(r.errs.String(), "restore "+id) {
				t.Errorf("%s is not what it said", id)
			}
			list := u.run(t, 0, "restore").out.String()
			if !regexp.MustCompile(id + ` \S+Z routes/1 enable limit-count left `).MatchString(list) {
				t.Errorf("the list is %s", list)
			}
			u.run(t, 0, "restore "+id, "route 1: limit-count is as it was before")
			u.clean(t, was)
			u.run(t, 1, "restore "+id, "not found")
			u.run(t, 0, "restore", "there is nothing to undo")
		},
		"killed before the change": func(t *testing.T, u *undoer, was map[string]any) {
			stuck := make(chan bool)
			var gets atomic.Int32
			u.on(func(_ http.ResponseWriter, r *http.Request) bool {
				if gets.Add(1) == 2 { // the last look: the undo is saved
					close(stuck)
					<-r.Context().Done()
				}
				return false
			}, nil)
			r := u.begin(t, "admin plugin enable"+limit+" --for 5s")
			<-stuck
			kill(t, r, syscall.SIGKILL)
			u.on(nil, nil)
			u.run(t, 0, "restore "+u.only(t), "the change of limit-count was never made")
			u.clean(t, was)
			if n := u.changes.Load(); n > 0 {
				t.Errorf("%d changes", n)
			}
		},
		"killed before the answer": func(t *testing.T, u *undoer, was map[string]any) {
			stuck := make(chan bool)
			u.on(nil, func(r *http.Request) {
				close(stuck)
				<-r.Context().Done()
			})
			r := u.begin(t, "admin plugin enable"+limit+" --for 5s")
			<-stuck
			kill(t, r, syscall.SIGKILL)
			u.on(nil, nil)
			u.run(t, 0, "restore "+u.only(t), "as it was before")
			u.clean(t, was)
		},
		"killed during the undo": func(t *testing.T, u *undoer, was map[string]any) {
			stuck := make(chan bool)
			var puts atomic.Int32
			u.on(nil, func(r *http.Request) {
				if puts.Add(1) == 2 {
					close(stuck)
					<-r.Context().Done()
				}
			})
			r := u.begin(t, "admin plugin enable"+limit+" --for 100ms")
			<-stuck
			kill(t, r, syscall.SIGKILL)
			u.on(nil, nil)
			u.run(t, 0, "restore "+u.only(t), "as it was before already")
			u.clean(t, was)
		},
		"the server dies for a while": func(t *testing.T, u *undoer, was map[string]any) {
			r := u.begin(t, "admin plugin enable"+limit+" --for 1s")
			r.says(t, "is enabled until")
			u.stop()
			r.says(t, "not undone yet")
			u.start()
			r.ends(t, 0)
			u.clean(t, was)
		},
		"the server dies": func(t *testing.T, u *undoer, was map[string]any) {
			r := u.begin(t, "admin plugin enable"+limit+" --for 500ms --retry 1s")
			r.says(t, "is enabled until")
			u.stop()
			r.ends(t, 1)
			id := u.only(t)
			if want := "limit-count of route 1 is not undone: get route 1 at http://" + u.addr + "/apisix/admin: connection refused\n" +
				"hint: the undo is saved: once the Admin API answers, run: apisixscope restore " + id; !strings.Contains(r.errs.String(), want) {
				t.Errorf("got %s\nwant %s", &r.errs, want)
			}
			u.run(t, 1, "restore "+id, "connection refused")
			u.start()
			u.run(t, 0, "restore --all", "as it was before")
			u.clean(t, was)
		},
		"the server dies and the user gives up": func(t *testing.T, u *undoer, was map[string]any) {
			r := u.begin(t, "admin plugin enable"+limit+" --for 1h")
			r.says(t, "is enabled until")
			u.stop()
			if err := r.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			r.says(t, "not undone yet")
			if err := r.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			r.ends(t, 1).says(t, "restore "+u.only(t))
			u.start()
			u.run(t, 0, "restore --all", "as it was before")
			u.clean(t, was)
		},
		"the change hangs and is made": func(t *testing.T, u *undoer, was map[string]any) {
			var puts atomic.Int32
			u.on(nil, func(r *http.Request) {
				if puts.Add(1) == 1 {
					<-r.Context().Done()
				}
			})
			r := u.begin(t, "admin plugin enable"+limit+" --for 1s")
			r.says(t, "is enabled until")
			r.ends(t, 0)
			u.clean(t, was)
		},
		"the change hangs and is not made": func(t *testing.T, u *undoer, was map[string]any) {
			u.on(func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPut {
					<-r.Context().Done()
				}
				return r.Method == http.MethodPut
			}, nil)
			u.run(t, 1, "admin plugin enable"+limit+" --for 1s", "change route 1 at", "gave no answer within 1s")
			u.clean(t, was)
		},
		"all hangs": func(t *testing.T, u *undoer, was map[string]any) {
			var hung atomic.Bool
			u.on(func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPut {
					hung.Store(true)
				}
				if hung.Load() {
					<-r.Context().Done()
				}
				return hung.Load()
			}, nil)
			u.run(t, 1, "admin plugin enable"+limit+" --for 1s", "it is not known whether the change was made", "run: apisixscope restore ")
			u.on(nil, nil)
			u.run(t, 0, "restore "+u.only(t), "was never made")
			u.clean(t, was)
		},
		"somebody else changes the route": func(t *testing.T, u *undoer, was map[string]any) {
			r := u.begin(t, "admin plugin enable"+limit+" --for 1s")
			r.says(t, "is enabled until")
			theirs := strings.Replace(routeJSON, `"prometheus":{}`, `"prometheus":{"prefer_name":true},"limit-count":{"count":2,"time_window":60}`, 1)
			u.set("routes/1", strings.Replace(theirs, "/shop/*", "/store/*", 1))
			edited := u.value("routes/1")
			r.ends(t, 1)
			id := u.only(t)
			for _, want := range []string{
				"route 1 was changed by somebody else: ", "uri", "plugins.prometheus.prefer_name", "modifiedIndex is 54, and was 53 after the change of limit-count",
				"restore " + id + " --only-plugin", "restore " + id + " --force",
			} {
				if !strings.Contains(r.errs.String(), want) {
					t.Errorf("it does not say %q: %s", want, &r.errs)
				}
			}
			u.run(t, 1, "restore "+id, "changed by somebody else")
			u.was(t, "routes/1", edited)
			u.only(t)
			u.run(t, 0, "restore "+id+" --only-plugin", "as it was before")
			delete(edited["plugins"].(map[string]any), "limit-count")
			u.clean(t, edited)
		},
		"somebody else changes the plugin": func(t *testing.T, u *undoer, was map[string]any) {
			u.run(t, 0, "admin plugin enable"+limit, "to undo it: apisixscope restore ")
			id := u.only(t)
			u.set("routes/1", strings.Replace(routeJSON, `"prometheus":{}`, `"limit-count":{"count":3,"time_window":60}`, 1))
			u.run(t, 1, "restore "+id+" --only-plugin", "the plugin itself, at plugins.limit-count.count", "--forget")
			u.run(t, 0, "restore "+id+" --force", "as it was before")
			u.clean(t, was)
		},
		"somebody else writes the same": func(t *testing.T, u *undoer, was map[string]any) {
			u.run(t, 0, "admin plugin enable"+limit)
			u.set("routes/1", strings.Replace(routeJSON, `"prometheus":{}`, `"prometheus":{},"limit-count":{"count":2,"time_window":60}`, 1))
			u.run(t, 1, "restore --all", "changed by somebody else: it was written anew with the same content")
			u.run(t, 0, "restore --all --only-plugin")
			u.clean(t, was)
		},
		"somebody else removes the route": func(t *testing.T, u *undoer, was map[string]any) {
			u.run(t, 0, "admin plugin enable"+limit)
			u.mu.Lock()
			delete(u.kept, "routes/1")
			u.mu.Unlock()
			u.run(t, 1, "restore --all", "it is not there any more")
			u.set("routes/1", routeJSON)
			u.run(t, 1, "restore --all", "it was made anew, or is another gateway's")
			u.run(t, 0, "restore --all --forget", "nothing was changed")
			u.clean(t, was)
		},
		"somebody else comes first": func(t *testing.T, u *undoer, was map[string]any) {
			var gets atomic.Int32
			u.on(func(_ http.ResponseWriter, r *http.Request) bool {
				if gets.Add(1) == 2 {
					u.set("routes/1", strings.Replace(routeJSON, "/shop/*", "/store/*", 1))
				}
				return false
			}, nil)
			u.run(t, 1, "admin plugin enable"+limit+" --for 1s", "route 1 was changed by somebody else meanwhile: nothing was changed")
			was["uri"] = "/store/*"
			u.clean(t, was)
		},
		"twice at once": func(t *testing.T, u *undoer, was map[string]any) {
			r := u.begin(t, "admin plugin enable"+limit+" --for 1h")
			r.says(t, "is enabled until")
			pid := fmt.Sprintf("process %d is changing it", r.Process.Pid)
			u.run(t, 1, "admin plugin enable"+limit+" --for 1s", "route 1 is busy: "+pid)
			u.run(t, 1, "admin plugin disable prometheus --route 1", pid)
			u.run(t, 1, "restore --all", pid)
			if list := u.run(t, 0, "restore").out.String(); !strings.Contains(list, fmt.Sprintf("pid %d", r.Process.Pid)) {
				t.Errorf("the list is %s", list)
			}
			other := u.begin(t, "admin plugin enable prometheus --route bare --for 1h")
			other.says(t, "is enabled until")
			kill(t, other, syscall.SIGINT)
			kill(t, r, syscall.SIGINT)
			u.clean(t, was)
		},
		"one after the other": func(t *testing.T, u *undoer, was map[string]any) {
			u.run(t, 0, "admin plugin enable"+limit)
			first := u.only(t)
			u.run(t, 0, "admin plugin disable openid-connect --route 1", "has an earlier change that is not undone, of limit-count: restore "+first)
			if off := u.plugins("routes/1")["openid-connect"].(map[string]any)["_meta"]; fmt.Sprint(off) != "map[disable:true]" {
				t.Errorf("_meta is %v", off)
			}
			u.run(t, 1, "restore "+first, "route 1 has a later change, of openid-connect")
			u.run(t, 0, "restore --all")
			u.clean(t, was)
		},
		"of 2.x": func(t *testing.T, u *undoer, was map[string]any) {
			u.old.Store(true)
			u.run(t, 0, "admin plugin enable"+limit, "limit-count is enabled")
			u.run(t, 0, "admin plugin disable limit-count --route 1", "limit-count is disabled")
			if conf := u.plugins("routes/1")["limit-count"].(map[string]any); conf["disable"] != true || conf["policy"] != "local" {
				t.Errorf("%v", conf)
			}
			u.run(t, 0, "admin plugin enable limit-count --route 1")
			if conf := u.plugins("routes/1")["limit-count"].(map[string]any); conf["disable"] != nil {
				t.Errorf("%v", conf)
			}
			u.run(t, 0, "restore --all")
			u.clean(t, was)
		},
		"refused": func(t *testing.T, u *undoer, was map[string]any) {
			u.run(t, 1, "admin plugin enable limit-count --route 1", `"count" is required`, "--route 1 --schema")
			file := filepath.Join(t.TempDir(), "conf.json")
			if err := os.WriteFile(file, []byte(`{"token":"new-secret"}`), 0o600); err != nil {
				t.Fatal(err)
			}
			u.run(t, 1, "admin plugin enable limit-count --route 1 --for 1s --config @"+file, "failed to match pattern", "***")
			u.clean(t, was)
		},
		"a route without plugins": func(t *testing.T, u *undoer, was map[string]any) {
			bare := u.value("routes/bare")
			u.run(t, 0, "admin plugin enable prometheus --route bare --for 100ms")
			u.was(t, "routes/bare", bare)
			u.run(t, 0, "admin plugin enable prometheus --route bare")
			edited := u.value("routes/bare")
			u.set("routes/bare", `{"uri":"/bare2","upstream_id":"shop","plugins":{"prometheus":{}}}`)
			u.run(t, 0, "restore --all --only-plugin")
			delete(edited, "plugins")
			edited["uri"] = "/bare2"
			u.was(t, "routes/bare", edited)
			u.clean(t, was)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := user(t, tool)
			began := time.Now()
			test(t, u, u.value("routes/1"))
			t.Logf("took %s", time.Since(began).Round(time.Millisecond))
		})
	}
}
