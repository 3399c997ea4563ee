package cmd

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/tidwall/gjson"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/tui"
)

// adminPause is between two looks at the Admin API.
const adminPause = 30 * time.Second

// admin asks the Admin API for the routes, again and again as long as the screen is there.
func (w *topWindow) admin(ctx context.Context, send func(tea.Msg)) error {
	access := w.o.names.access
	if access.url == off {
		send(&tui.Admin{Trouble: "the Admin API is not asked: --admin off"})
		return nil
	}
	client, err := access.client(ctx, w.window.env)
	if err != nil {
		send(&tui.Admin{Trouble: withRemedy(err)})
		return err
	}
	defer client.Close()
	for {
		send(readAdmin(ctx, client, &access))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(adminPause):
		}
	}
}

// readAdmin returns what there is of routes.
func readAdmin(ctx context.Context, client *apisix.Client, access *access) *tui.Admin {
	routes, err := client.List(ctx, apisix.Routes)
	if err != nil {
		return &tui.Admin{Trouble: withRemedy(err)}
	}
	a := &tui.Admin{}
	for i := range routes {
		a.Routes = append(a.Routes, adminRoute(&routes[i]))
	}
	a.Match = func(method, host, uri string, width int) []string {
		return matchLines(ctx, client, access, apisix.Request{Method: method, Host: host, Path: uri, Header: http.Header{}}, width)
	}
	return a
}

func adminRoute(r *apisix.Resource) tui.AdminRoute {
	v := gjson.ParseBytes(r.Raw)
	return tui.AdminRoute{
		ID: r.ID, Name: r.Name(), Status: status(v), URI: either("uri", "uris")(v), Hosts: either("host", "hosts")(v),
		Methods: either("methods", "")(v), Upstream: upstreamOf(v), Plugins: pluginNames(v), Priority: v.Get("priority").Int(),
	}
}

// matchLines is what admin match tells of a request.
func matchLines(ctx context.Context, client *apisix.Client, access *access, req apisix.Request, width int) []string {
	m := &matching{client: client}
	err := m.chooseRouter(ctx, &adminMatchOptions{access: access})
	var r *matchReport
	if err == nil {
		r, err = m.report(ctx, req)
	}
	if err != nil {
		return []string{text.Clean(withRemedy(err))}
	}
	var b bytes.Buffer
	if err := r.print(&sheet{w: &b, width: width, color: true}); err != nil {
		return []string{text.Clean(err.Error())}
	}
	return strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
}

// withRemedy says in one line what went wrong, and how to mend it.
func withRemedy(err error) string {
	if remedy := hint.Of(err); remedy != "" {
		return err.Error() + "; " + remedy
	}
	return err.Error()
}
