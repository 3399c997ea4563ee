package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/hint"
)

const controlUsage = "ask the Control API at `URL` (default: where the gateway's conf/config.yaml says)"

// control makes a client of the Control API at url, or of the gateway's on this host. The
// caller closes it.
func (a *access) control(ctx context.Context, env Env, url string) (*apisix.Control, error) {
	o := apisix.Options{URL: url, Timeout: a.timeout, Log: env.Log}
	if url != "" {
		c, err := apisix.NewControl(o)
		if err != nil {
			return nil, fmt.Errorf("--control: %w", err)
		}
		return c, nil
	}
	if err := a.discover(ctx, env); err != nil {
		return nil, err
	}
	if a.config.Control == "" {
		return nil, hint.Wrap(errors.New("the gateway's Control API is off"), "it is apisix.enable_control in its "+a.config.File)
	}
	o.URL, o.Dial = a.config.Control, a.config.Dial
	return apisix.NewControl(o)
}
