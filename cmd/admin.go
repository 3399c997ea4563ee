package cmd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/hint"
)

// adminKeyVar is the variable of the environment that has the key.
const adminKeyVar = "APISIX_ADMIN_KEY"

// access is how to reach the Admin API.
type access struct {
	query         gateway.Query
	url, keyFile  string
	ca, cert, key string
	serverName    string
	timeout       time.Duration
	config        *apisix.Config // of the gateway, once it was found
	own           *apisix.Own    // is to know the connections; nil for nobody
}

func newAdminCmd(env Env) *cobra.Command {
	a := &access{timeout: 5 * time.Second}
	cmd := &cobra.Command{
		Use:   "admin",
		Short: "Ask the Admin API what is configured",
		Long: `Admin asks APISIX's Admin API what is configured, and its Control API what has
arrived at the gateway. It changes nothing but plugins, with an undo.

The address and the key are those of the flags and of the environment variable
APISIX_ADMIN_KEY. Without --admin, both are read from the conf/config.yaml of
the gateway that runs on this host. The key is never shown.`,
		Example: `  apisixscope admin get routes
  APISIX_ADMIN_KEY=… apisixscope admin get routes --admin http://10.0.0.4:9180`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	f := cmd.PersistentFlags()
	f.SortFlags = false
	a.addFlags(f)
	cmd.AddCommand(newAdminGetCmd(env, a), newAdminMatchCmd(env, a), newAdminHealthCmd(env, a), newAdminDriftCmd(env, a),
		newAdminPluginCmd(env, a))
	return cmd
}

func (a *access) addFlags(f *pflag.FlagSet) {
	f.StringVar(&a.url, "admin", "", "ask the Admin API at `URL`, such as http://127.0.0.1:9180")
	f.StringVar(&a.keyFile, "admin-key-file", "", "read the key from `FILE`; - is stdin")
	f.StringVar(&a.ca, "admin-ca", "", "trust certificates that the authorities in `FILE` signed")
	f.StringVar(&a.cert, "admin-cert", "", "show the certificate in `FILE` to the Admin API")
	f.StringVar(&a.key, "admin-cert-key", "", "the certificate's private key is in `FILE`")
	f.StringVar(&a.serverName, "admin-server-name", "", "the Admin API's certificate is for `HOST`")
	f.Var(period{&a.timeout}, "admin-timeout", "for each call")
	f.Var(number[int]{&a.query.PID, 1}, "pid", "of the gateway's master or any worker, if there are several gateways")
}

// client makes a client of the Admin API that the user means. The caller closes it.
func (a *access) client(ctx context.Context, env Env) (*apisix.Client, error) {
	o := apisix.Options{URL: a.url, Timeout: a.timeout, Log: env.Log}
	var err error
	if o.TLS, err = a.tls(); err != nil {
		return nil, err
	}
	if o.Key, o.KeyFrom, err = a.givenKey(env); err != nil {
		return nil, err
	}
	if a.url != "" {
		c, err := a.newClient(o)
		if err != nil {
			return nil, fmt.Errorf("--admin: %w", err)
		}
		return c, nil
	}
	if err := a.discover(ctx, env); err != nil {
		return nil, err
	}
	if a.config.ReadResources != nil {
		return apisix.NewFile(a.config.Resources, a.config.ReadResources), nil
	}
	if a.config.NoAdmin != nil {
		return nil, a.config.NoAdmin
	}
	o.URL = a.config.URL
	if o.Key == "" {
		if a.config.NoKey != nil {
			return nil, fmt.Errorf("read the key in the gateway's %s: %w", a.config.File, a.config.NoKey)
		}
		o.Key, o.KeyFrom = a.config.Key, "the gateway's "+a.config.File
		if names := a.config.Assumed; len(names) > 0 {
			o.KeyFrom += ", where variables of its environment have their defaults (" + strings.Join(names, ", ") + ")"
		}
	}
	o.Dial = a.config.Dial
	return a.newClient(o)
}

func (a *access) newClient(o apisix.Options) (*apisix.Client, error) {
	if a.own != nil {
		o.Dial = a.own.Watch(o.Dial)
	}
	return apisix.New(o)
}

// discover reads the configuration of the gateway on this host, once.
func (a *access) discover(ctx context.Context, env Env) error {
	if a.config != nil {
		return nil
	}
	const orSo = "or name the Admin API with --admin"
	t, err := env.find(ctx, a.query)
	if err != nil {
		if remedy := hint.Of(err); remedy != "" {
			return hint.Wrap(err, remedy+", "+orSo)
		}
		return hint.Wrap(err, strings.TrimPrefix(orSo, "or "))
	}
	c, err := env.Config(t)
	if err != nil {
		return err
	}
	env.Log.Info("read the gateway's configuration", "file", c.File, "pid", leader(t).PID, "admin", c.URL)
	a.config = c
	return nil
}

// leader is the gateway's master, or any process of it where that has exited.
func leader(t *gateway.Target) gateway.Process {
	if t.Master.PID == 0 && len(t.Children) > 0 {
		return t.Children[0]
	}
	return t.Master
}

// givenKey is the key that the user gave, and from where.
func (a *access) givenKey(env Env) (apisix.Key, string, error) {
	if a.keyFile == "" {
		return apisix.Key(strings.TrimSpace(env.Getenv(adminKeyVar))), adminKeyVar, nil
	}
	data, err := readKey(a.keyFile)
	if err != nil {
		return "", "", fmt.Errorf("read --admin-key-file %s: %w", a.keyFile, cause(err))
	}
	key := strings.TrimSpace(string(data))
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", "", hint.Wrap(fmt.Errorf("read --admin-key-file %s: it does not hold a key", a.keyFile), "the file has the key alone, on one line")
	}
	return apisix.Key(key), a.keyFile, nil
}

func readKey(path string) ([]byte, error) {
	in := os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	return io.ReadAll(io.LimitReader(in, 4096))
}

// tls is what the flags say about certificates; nil if nothing.
func (a *access) tls() (*tls.Config, error) {
	if (a.cert == "") != (a.key == "") {
		return nil, hint.Misuse(errors.New("--admin-cert and --admin-cert-key need each other"))
	}
	c, err := apisix.TLS(apisix.Certificates{Authorities: a.ca, Certificate: a.cert, Key: a.key, ServerName: a.serverName})
	if err != nil {
		return nil, err
	}
	return c, nil
}
