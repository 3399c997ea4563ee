package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/apisixscope/apisixscope/internal/apisix"
)

// factsGrace is for how long a window's end waits for what the Admin API has to say.
const factsGrace = 2 * time.Second

// keepFacts keeps, in the background, what doctor and the Admin API say. The function it
// returns waits for that, but not for long.
func (r *recording) keepFacts(ctx context.Context) (told func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, keep := range []func(context.Context) error{r.keepDoctor, r.keepAdmin} {
			if err := keep(ctx); err != nil {
				r.env.Log.Info("a fact is not in the recording", "error", err)
			}
		}
	}()
	return func() {
		defer time.AfterFunc(factsGrace, cancel).Stop()
		<-done
		cancel()
	}
}

// keepDoctor keeps what doctor -o json says of the gateway.
func (r *recording) keepDoctor(context.Context) error {
	d := diagnosis{Version: r.env.Version, Host: hostReports(r.env.Host()), Works: []work{}}
	g := gatewayReportOf(r.target)
	g.Stacks = hostReports(r.env.Stacks(r.target))
	d.Gateways = []gatewayReport{g}
	d.conclude()
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return r.to.Fact("doctor", append(data, '\n'))
}

// keepAdmin keeps what admin get says, each kind as a JSON list.
func (r *recording) keepAdmin(ctx context.Context) error {
	if r.window.names == nil {
		return nil // it was said why
	}
	client, err := r.o.names.access.client(ctx, r.env)
	if err != nil {
		return err
	}
	defer client.Close()
	for _, kind := range apisix.Kinds() {
		list, err := client.List(ctx, kind)
		switch {
		case errors.Is(err, apisix.ErrNotFound), errors.Is(err, apisix.ErrNotAdmin):
			continue // a kind of later versions
		case err != nil:
			return err
		}
		var all [][]byte
		for i := range list {
			all = append(all, list[i].Envelope(r.o.secrets))
		}
		data := append(append([]byte("["), bytes.Join(all, []byte(",\n"))...), "]\n"...)
		if err := r.to.Fact("admin-"+string(kind), data); err != nil {
			return err
		}
	}
	return nil
}
