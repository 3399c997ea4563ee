package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/render"
)

// adminMatchOptions is what a user may ask of admin match.
type adminMatchOptions struct {
	access  *access
	request apisix.Request
	headers headerFlag
	router  string
	format  string
}

func newAdminMatchCmd(env Env, a *access) *cobra.Command {
	o := &adminMatchOptions{access: a, format: "text", request: apisix.Request{Header: http.Header{}}}
	o.headers.to = o.request.Header
	cmd := &cobra.Command{
		Use:   "match --host HOST --path PATH",
		Short: "Tell which route a request gets, and why not another",
		Long: `Match tells which route, service, upstream and plugins a request gets, and why
it does not get the routes that are near. It reads the configuration from the
Admin API and follows APISIX's rules itself: no request goes through the gateway.

What it is not told it does not guess: a route that asks for a header that was
not given, for a body, or has a filter_func is shown as one it depends on.`,
		Example: `  apisixscope admin match --host shop.example --path /cart/7
  apisixscope admin match --host shop.example --path '/?v=2' --header 'X-Env: a'
  apisixscope admin match --host shop.example --path / -o json | jq .route.id`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), env)
		},
	}
	o.addFlags(cmd.Flags())
	for name, words := range map[string][]string{"output": matchFormats(), "router": routerWords()} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	}
	return cmd
}

func (o *adminMatchOptions) addFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVar(&o.request.Host, "host", "", "the request's `HOST`, with its port if the Host header has one")
	f.StringVar(&o.request.Path, "path", "", "its `PATH` as it is sent, with its query if it has one")
	f.StringVar(&o.request.Method, "method", "GET", "its `METHOD`")
	f.Var(&o.headers, "header", "a header it has; 'K:' says that it has none of that name")
	f.Var(addressFlag{&o.request.Client}, "client", "the client's address")
	f.Var(choice{&o.router, "KIND", routerWords()}, "router", "match as "+strings.Join(routerWords(), ", ")+" does (default: what config.yaml says, or else the version's)")
	f.StringVarP(&o.format, "output", "o", o.format, "as `FORMAT` text or json")
}

func matchFormats() []string { return []string{"json", "text"} }

func routerWords() []string {
	var words []string
	for _, k := range apisix.RouterKinds() {
		words = append(words, string(k))
	}
	return words
}

func (o *adminMatchOptions) run(ctx context.Context, env Env) error {
	if err := o.check(); err != nil {
		return err
	}
	c, err := o.access.client(ctx, env)
	if err != nil {
		return err
	}
	defer c.Close()
	m := &matching{client: c}
	if err := m.chooseRouter(ctx, o); err != nil {
		return err
	}
	r, err := m.report(ctx, o.request)
	if err != nil {
		return err
	}
	if o.format == "json" {
		err = json.NewEncoder(env.Out).Encode(r)
	} else {
		err = r.print(newSheet(env))
	}
	if err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

func (o *adminMatchOptions) check() error {
	switch {
	case o.request.Host == "":
		return hint.Misuse(errors.New("--host is missing: which host is the request for?"))
	case strings.ContainsAny(o.request.Host, "/ "):
		return hint.Misuse(fmt.Errorf("--host must be a name or an address: got %q", o.request.Host))
	case !strings.HasPrefix(o.request.Path, "/"):
		return hint.Misuse(fmt.Errorf("--path must begin with /: got %q", o.request.Path))
	case o.request.Method == "" || strings.ContainsAny(o.request.Method, " ,"):
		return hint.Misuse(fmt.Errorf("--method must be one word: got %q", o.request.Method))
	case o.format != "text" && o.format != "json":
		return render.UnknownFormat(o.format, matchFormats())
	}
	o.request.Method = strings.ToUpper(o.request.Method)
	return nil
}

// headerFlag is a flag for headers. "K: V" is one, "K;" is one with an empty value, and "K:"
// is none of that name, as curl has it.
type headerFlag struct{ to http.Header }

func (h *headerFlag) Set(word string) error {
	name, v, found := strings.Cut(word, ":")
	v = strings.TrimSpace(v)
	empty, isEmpty := strings.CutSuffix(word, ";")
	switch {
	case !found && isEmpty:
		name = empty
	case !found:
		return fmt.Errorf("must be like 'X-Env: prod': got %q", word)
	}
	name = http.CanonicalHeaderKey(name)
	switch {
	case name == "" || strings.ContainsAny(name, " \t;"):
		return fmt.Errorf("must be like 'X-Env: prod': got %q", word)
	case name == "Host":
		return errors.New("must not be the host: say that with --host")
	case v == "" && found:
		h.to[name] = nil
	default:
		h.to[name] = append(h.to[name], v)
	}
	return nil
}
func (h *headerFlag) String() string { return "" } // its values may be secrets
func (h *headerFlag) Type() string   { return "'K: V'" }

// addressFlag is a flag for an IP address.
type addressFlag struct{ to *netip.Addr }

func (a addressFlag) Set(word string) error {
	addr, err := netip.ParseAddr(word)
	if err != nil || addr.Zone() != "" {
		return fmt.Errorf("must be an IP address: got %q", word)
	}
	*a.to = addr
	return nil
}
func (a addressFlag) String() string {
	if a.to == nil || !a.to.IsValid() {
		return ""
	}
	return a.to.String()
}
func (a addressFlag) Type() string { return "IP" }
