package cmd

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/text"
)

// naming is what a window's requests get from the Admin API: plugins, labels, and names that
// could not be read.
type naming struct{ access access }

// off is for --admin: nothing is asked.
const off = "off"

func (n *naming) addFlags(f *pflag.FlagSet) {
	a := &n.access
	a.timeout = 5 * time.Second
	f.StringVar(&a.url, "admin", "", "tell plugins and labels from the Admin API at `URL`, or off (default: where the gateway's conf/config.yaml says)")
	f.StringVar(&a.keyFile, "admin-key-file", "", "read the Admin API's key from `FILE`; - is stdin")
	f.StringVar(&a.ca, "admin-ca", "", "trust certificates that the authorities in `FILE` signed")
	f.StringVar(&a.cert, "admin-cert", "", "show the certificate in `FILE` to the Admin API")
	f.StringVar(&a.key, "admin-cert-key", "", "the certificate's private key is in `FILE`")
	f.StringVar(&a.serverName, "admin-server-name", "", "the Admin API's certificate is for `HOST`")
	f.Var(period{&a.timeout}, "admin-timeout", "for each call")
	for _, rare := range []string{"admin-ca", "admin-cert", "admin-cert-key", "admin-server-name", "admin-timeout"} {
		_ = f.MarkHidden(rare) // they exist
	}
}

// asked reports that the user means an Admin API, and does not only take what is found.
func (n *naming) asked() bool {
	return n.access.url != "" || n.access.keyFile != "" || n.access.ca != ""
}

// open returns what names the requests of a gateway; nil where there is nothing to ask. It
// asks nothing yet. What is wrong is an error only if the user has named an Admin API.
func (n *naming) open(ctx context.Context, env Env, target *gateway.Target, talk *talk) (*apisix.Names, error) {
	a := &n.access
	if a.url == off {
		return nil, nil
	}
	say := func(err error) {
		line := unnamed(err)
		if n.asked() && !talk.on {
			fmt.Fprintln(env.Err, text.Clean(line)) // it was asked for: somebody may read it
			return
		}
		talk.say("%s", line)
	}
	if a.config == nil && env.Config != nil { // the gateway is found already
		if c, err := env.Config(target); err == nil {
			a.config = c
		} else if a.url == "" {
			if n.asked() {
				return nil, err
			}
			say(err)
			return nil, nil
		}
	}
	if a.config == nil && a.url == "" {
		return nil, nil
	}
	own := &apisix.Own{}
	a.own = own
	client, err := a.client(ctx, env)
	switch {
	case err != nil && n.asked():
		return nil, err
	case err != nil:
		say(err)
		return nil, nil
	}
	o := apisix.NameOptions{Client: client, Own: own, Say: say, Log: env.Log}
	if c := a.config; c != nil {
		o.Router, o.Reception = apisix.RouterKind(c.Router), &c.Reception
	}
	return apisix.NewNames(o), nil
}

// unnamed says in one line what is missing, why, and how to get it.
func unnamed(err error) string {
	line := "note: no plugin lists and labels: " + err.Error()
	if remedy := hint.Of(err); remedy != "" {
		line += "; " + remedy
	}
	return line
}
