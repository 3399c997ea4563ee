package apisix

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/apisixscope/apisixscope/internal/hint"
)

// PluginState says whether a plugin runs where it is configured.
type PluginState string

// The states of a plugin on a resource.
const (
	PluginOn     PluginState = "on"
	PluginOff    PluginState = "off" // configured, and switched off
	PluginAbsent PluginState = "absent"
)

// ErrStandalone is for a gateway whose Admin API has its configuration as a whole only.
var ErrStandalone = errors.New("the gateway is standalone")

// PluginKinds returns the kinds whose resources have plugins of their own.
func PluginKinds() []Kind {
	return []Kind{Routes, Services, GlobalRules, PluginConfigs, Consumers, ConsumerGroups}
}

// A Holder is a resource that has plugins.
type Holder struct {
	Resource
	old bool // of APISIX 2.x
}

// Holder returns the resource of a kind that may have plugins.
func (c *Client) Holder(ctx context.Context, kind Kind, id string) (Holder, error) {
	what := "get " + kind.one() + " " + id
	if id == "" || id == "." || id == ".." || strings.Contains(id, "/") {
		return Holder{}, hint.Misuse(fmt.Errorf("%s: not an id", what))
	}
	a, err := c.call(ctx, what, http.MethodGet, []string{kind.path(), id}, nil)
	if err != nil {
		return Holder{}, err
	}
	body, err := c.check(what, a)
	if errors.Is(err, ErrNotAdmin) && c.standalone(ctx) {
		return Holder{}, hint.Wrap(fmt.Errorf("%s at %s: %w: its Admin API has no single resources", what, c.base, ErrStandalone),
			"plugins of such a gateway are changed in the configuration that is put to /apisix/admin/configs")
	}
	if err != nil {
		return Holder{}, err
	}
	h := Holder{old: a.header.Get("X-API-VERSION") == "" && !strings.HasPrefix(a.header.Get("Server"), "APISIX/3")}
	if h.Resource, err = parseOne(kind, body); err != nil {
		return Holder{}, hint.Wrap(fmt.Errorf("%s at %s: %w", what, c.base, err), notAdmin)
	}
	h.apiKey = c.key
	return h, nil
}

// standalone reports whether the API gives all of the configuration at once, as that of a
// gateway without etcd does.
func (c *Client) standalone(ctx context.Context) bool {
	const what = "get the configuration"
	a, err := c.call(ctx, what, http.MethodGet, []string{"configs"}, nil)
	if err != nil {
		return false
	}
	_, err = c.check(what, a)
	return err == nil
}

// String names the resource, such as "route 1".
func (h *Holder) String() string { return h.Kind.one() + " " + h.ID }

// Plugin is the state of a plugin.
func (h *Holder) Plugin(name string) PluginState {
	conf := pluginOf(h.Raw, name)
	switch {
	case !conf.Exists():
		return PluginAbsent
	// Until 3.0 the switch was beside the plugin's own settings. Now such a member means nothing.
	case conf.Get("_meta.disable").Bool(), h.old && conf.Get("disable").Bool():
		return PluginOff
	}
	return PluginOn
}

// PluginJSON is a plugin's configuration as Resource.JSON writes it; nil where there is none.
func (h *Holder) PluginJSON(name string, secrets bool) []byte {
	conf := pluginOf(h.JSON(secrets), name)
	if !conf.Exists() {
		return nil
	}
	return []byte(conf.Raw)
}

// pluginOf is the configuration of a plugin in a resource's value.
func pluginOf(value []byte, name string) gjson.Result {
	return member(member(gjson.ParseBytes(value), "plugins"), name)
}

// withPlugin is value with conf as a plugin's configuration; without the plugin if conf is nil.
func withPlugin(value []byte, name string, conf []byte) []byte {
	plugins := member(gjson.ParseBytes(value), "plugins")
	if conf != nil {
		return setMember(value, "plugins", setMember([]byte(plugins.Raw), name, conf))
	}
	if !plugins.Exists() {
		return value
	}
	return setMember(value, "plugins", dropMember([]byte(plugins.Raw), name))
}

// enabled is the resource's value with a plugin that runs: with the configuration conf, or if
// that is nil, with its own.
func (h *Holder) enabled(name string, conf []byte) []byte {
	if conf == nil {
		conf = []byte("{}")
		if has := pluginOf(h.Raw, name); has.Exists() {
			conf = []byte(has.Raw)
		}
		if h.old {
			conf = dropMember(conf, "disable")
		}
		if meta := member(gjson.ParseBytes(conf), "_meta"); meta.IsObject() {
			rest := dropMember([]byte(meta.Raw), "disable")
			conf = setMember(conf, "_meta", rest)
			if len(gjson.ParseBytes(rest).Map()) == 0 {
				conf = dropMember(conf, "_meta")
			}
		}
	}
	return withPlugin(h.Raw, name, conf)
}

// disabled is the resource's value with a plugin switched off, its configuration kept.
func (h *Holder) disabled(name string) []byte {
	conf := pluginOf(h.Raw, name)
	if h.old {
		return withPlugin(h.Raw, name, setMember([]byte(conf.Raw), "disable", []byte("true")))
	}
	meta := setMember([]byte(member(conf, "_meta").Raw), "disable", []byte("true"))
	return withPlugin(h.Raw, name, setMember([]byte(conf.Raw), "_meta", meta))
}
