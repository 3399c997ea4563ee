package cmd

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/text"
)

// completionTime is how long somebody waits who has pressed TAB.
const completionTime = 2 * time.Second

// completeAll does it for a command and all below it.
func completeAll(cmd *cobra.Command, env Env) {
	completeLive(cmd, env)
	for _, c := range cmd.Commands() {
		completeAll(c, env)
	}
}

// completeLive has the shell complete what only the gateway of this host knows: its processes,
// and what the Admin API has of routes. What cannot be asked is completed to nothing.
func completeLive(cmd *cobra.Command, env Env) {
	pids := func(ctx context.Context, _ *cobra.Command) []string { return gatewayPIDs(ctx, env) }
	live := map[string]func(context.Context, *cobra.Command) []string{
		"pid":      pids,
		"route":    resources(env, apisix.Routes, func(r *apisix.Resource) []string { return []string{r.Name(), r.ID} }),
		"service":  resources(env, apisix.Services, func(r *apisix.Resource) []string { return []string{r.Name(), r.ID} }),
		"consumer": resources(env, apisix.Consumers, func(r *apisix.Resource) []string { return []string{r.Name()} }),
		"host":     resources(env, apisix.Routes, hostsOf),
		"upstream": resources(env, apisix.Upstreams, addressesOf),
	}
	for flag, words := range live {
		if cmd.Flags().Lookup(flag) == nil {
			continue
		}
		// It fails for flags that do not exist or have words already.
		_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
			ctx := cmd.Context()
			if ctx == nil {
				ctx = context.Background()
			}
			ctx, cancel := context.WithTimeout(ctx, completionTime)
			defer cancel()
			return inList(toComplete, words(ctx, cmd)), cobra.ShellCompDirectiveNoFileComp
		})
	}
}

// inList completes the last word of a list as a,b: those before it stay, and are not proposed again.
func inList(toComplete string, words []string) (all []string) {
	before := ""
	if i := strings.LastIndexByte(toComplete, ','); i >= 0 {
		before = toComplete[:i+1]
	}
	given := strings.Split(before, ",")
	for _, w := range words {
		if word, _, _ := strings.Cut(w, "\t"); word != "" && !slices.Contains(given, word) {
			all = append(all, before+w)
		}
	}
	return all
}

// gatewayPIDs are the masters of the gateways of this host, and what they run.
func gatewayPIDs(ctx context.Context, env Env) (words []string) {
	targets, err := env.List(ctx)
	if err != nil {
		return nil
	}
	for _, t := range targets {
		words = append(words, strconv.Itoa(leader(t).PID)+"\t"+text.Clean(fmt.Sprintf("%s, %d workers", t.Summary(), len(t.Workers()))))
	}
	return words
}

// resources returns what proposes words of the Admin API's resources of a kind. It takes the
// flags for the Admin API that are on the command line already.
func resources(env Env, kind apisix.Kind, words func(*apisix.Resource) []string) func(context.Context, *cobra.Command) []string {
	return func(ctx context.Context, cmd *cobra.Command) []string {
		a := access{timeout: completionTime}
		for flag, to := range map[string]*string{
			"admin": &a.url, "admin-key-file": &a.keyFile, "admin-ca": &a.ca, "admin-cert": &a.cert, "admin-cert-key": &a.key, "admin-server-name": &a.serverName,
		} {
			if f := cmd.Flags().Lookup(flag); f != nil {
				*to = f.Value.String()
			}
		}
		if a.url == off || a.keyFile == "-" {
			return nil
		}
		if pid := cmd.Flags().Lookup("pid"); pid != nil {
			a.query.PID, _ = strconv.Atoi(pid.Value.String()) // it is a number, or 0
		}
		c, err := a.client(ctx, env)
		if err != nil {
			return nil
		}
		defer c.Close()
		list, err := c.List(ctx, kind)
		if err != nil {
			return nil
		}
		var all []string
		for i := range list {
			about := cmp.Or(list[i].Value("uri").String(), list[i].Value("desc").String())
			for _, w := range words(&list[i]) {
				// What has blanks or commas would be several words, and what is not clean is no name.
				if w != "" && text.Clean(w) == w && !strings.ContainsAny(w, ", \t") {
					all = append(all, strings.TrimSuffix(w+"\t"+text.Clean(about), "\t"))
				}
			}
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
}

// hostsOf are the hosts that a route is for.
func hostsOf(r *apisix.Resource) (hosts []string) {
	for _, h := range append(r.Value("hosts").Array(), r.Value("host")) {
		hosts = append(hosts, h.String())
	}
	return hosts
}

// addressesOf are the addresses of an upstream's nodes, in the two forms that APISIX takes.
func addressesOf(r *apisix.Resource) (nodes []string) {
	all := r.Value("nodes")
	if all.IsObject() {
		for at := range all.Map() {
			nodes = append(nodes, at)
		}
		return nodes
	}
	for _, n := range all.Array() {
		nodes = append(nodes, fmt.Sprintf("%s:%d", n.Get("host"), n.Get("port").Int()))
	}
	return nodes
}
