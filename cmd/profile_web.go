package cmd

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/google/pprof/driver"
	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/profile"
)

// serveProfile shows a profile with pprof's own pages until stop is closed. They are on the
// loopback interface, at an address that cannot be guessed: other users of this host are
// not to read what the gateway does, nor sources that root may read. ready is told it. With
// by a label, its values are at the root.
func serveProfile(stop <-chan struct{}, p *pprof.Profile, by string, ready func(address string)) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("show profile: %w", err)
	}
	defer ln.Close()
	serve := func(args *driver.HTTPServerArgs) error {
		secret := rand.Text()
		server := &http.Server{Handler: profilePages(ln.Addr().String(), secret, args.Handlers), ReadHeaderTimeout: 10 * time.Second}
		go func() {
			<-stop
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_ = server.Shutdown(ctx) // whoever is cut off has been told
		}()
		ready("http://" + ln.Addr().String() + "/" + secret + "/flamegraph")
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
	line := []string{"-http=127.0.0.1:0", "-no_browser", "-symbolize=none"}
	if by != profile.ByFunction {
		line = append(line, "-tagroot="+by)
	}
	err = driver.PProf(&driver.Options{
		Flagset: newPprofFlags(append(line, "profile")...),
		Fetch:   fetched{p}, Sym: noSymbols{}, Obj: noObjects{}, UI: silent{}, HTTPServer: serve,
	})
	if err != nil {
		return fmt.Errorf("show profile: %w", err)
	}
	return nil
}

// profilePages are pprof's below the secret, but for those that keep settings in the user's
// home. A page that another site has led the browser to has another host.
func profilePages(host, secret string, pages map[string]http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		below := http.StripPrefix("/"+secret, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			page := pages[r.URL.Path]
			if page == nil || r.URL.Path == "/" || r.URL.Path == "/saveconfig" || r.URL.Path == "/deleteconfig" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Referrer-Policy", "no-referrer")
			page.ServeHTTP(w, r)
		}))
		if r.Host != host {
			http.Error(w, "this host has no such page", http.StatusForbidden)
			return
		}
		below.ServeHTTP(w, r)
	})
}

// What pprof asks of its surroundings follows: it has the profile, with all names.

// fetched is where pprof gets its profile from.
type fetched struct{ *pprof.Profile }

func (f fetched) Fetch(string, time.Duration, time.Duration) (*pprof.Profile, string, error) {
	return f.Profile, "", nil
}

type noSymbols struct{}

func (noSymbols) Symbolize(string, driver.MappingSources, *pprof.Profile) error { return nil }

// noObjects keeps pprof from running objdump on files of the gateway.
type noObjects struct{}

var errNoObjects = errors.New("machine code is not shown here")

func (noObjects) Open(string, uint64, uint64, uint64, string) (driver.ObjFile, error) {
	return nil, errNoObjects
}

func (noObjects) Disasm(string, uint64, uint64, bool) ([]driver.Inst, error) {
	return nil, errNoObjects
}

// silent is a user who is asked nothing.
type silent struct{}

func (silent) ReadLine(string) (string, error)       { return "", io.EOF }
func (silent) Print(...any)                          {}
func (silent) PrintErr(...any)                       {}
func (silent) IsTerminal() bool                      { return false }
func (silent) WantBrowser() bool                     { return false }
func (silent) SetAutoComplete(_ func(string) string) {}

// pprofFlags are the command line of pprof.
type pprofFlags struct {
	*flag.FlagSet
	args []string
}

func newPprofFlags(args ...string) *pprofFlags {
	f := &pprofFlags{flag.NewFlagSet("pprof", flag.ContinueOnError), args}
	f.SetOutput(io.Discard)
	return f
}

func (f *pprofFlags) StringList(name, value, usage string) *[]*string {
	return &[]*string{f.String(name, value, usage)}
}
func (f *pprofFlags) ExtraUsage() string     { return "" }
func (f *pprofFlags) AddExtraUsage(_ string) {}

func (f *pprofFlags) Parse(usage func()) []string {
	if err := f.FlagSet.Parse(f.args); err != nil {
		usage()
		return nil
	}
	return f.Args()
}
