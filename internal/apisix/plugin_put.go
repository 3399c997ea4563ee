package apisix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/apisixscope/apisixscope/internal/hint"
)

// ErrRefused is for a change that the API did not make.
var ErrRefused = errors.New("refused")

// put replaces the value of a resource, and returns it as the API says that it is kept, with
// what is encrypted as it is in etcd. Unless the error is ErrRefused or ErrKey, the change may
// have been made, or may be made yet.
//
// A PATCH would be a smaller change, and APISIX makes it with a comparison of etcd's revision.
// But up to 3.17 it encrypts the secrets of all plugins of the resource once more, and then they
// are wrong: see https://github.com/apache/apisix/pull/13525. A consumer knows no PATCH.
func (c *Client) put(ctx context.Context, kind Kind, id string, value []byte) ([]byte, error) {
	what := "change " + kind.one() + " " + id
	body := value
	// APISIX 3.x refuses a PUT that has them. It keeps the first, and sets the second.
	for _, name := range []string{"create_time", "update_time"} {
		body = dropMember(body, name)
	}
	a, err := c.send(ctx, outgoing{what: what, method: http.MethodPut, segments: []string{kind.path(), id}, body: body})
	if err != nil {
		return nil, err
	}
	isJSON := json.Valid(a.body)
	if (a.status == http.StatusOK || a.status == http.StatusCreated) && isJSON {
		if r, err := parseOne(kind, a.body); err == nil {
			return r.Raw, nil
		}
		return nil, fmt.Errorf("%s at %s: the answer does not tell what is kept", what, c.base)
	}
	a.body = hideIn(a.body, isJSON, secretsOf(value))
	if err = c.refusal(a, isJSON); a.status >= 400 && a.status < 500 {
		err = fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return nil, fmt.Errorf("%s at %s: %w", what, c.base, err)
}

// secretsOf are the secrets in a resource's value, for what APISIX says of a value that it
// does not like may repeat it.
func secretsOf(value []byte) []string {
	r := Resource{Raw: value}
	return hiddenIn(nil, gjson.ParseBytes(value), gjson.ParseBytes(r.JSON(false)))
}

// hiddenIn collects the scalars of clear that are not what they are in masked.
func hiddenIn(all []string, clear, masked gjson.Result) []string {
	if !clear.IsObject() && !clear.IsArray() {
		if s := clear.String(); s != "" && s != masked.String() {
			all = append(all, s)
		}
		return all
	}
	var shown []gjson.Result
	masked.ForEach(func(_, v gjson.Result) bool {
		shown = append(shown, v)
		return true
	})
	i := 0
	clear.ForEach(func(_, v gjson.Result) bool {
		if i < len(shown) {
			all = hiddenIn(all, v, shown[i])
		}
		i++
		return true
	})
	return all
}

// hideIn is an answer that is an error without secrets: of JSON, the words alone.
func hideIn(body []byte, isJSON bool, secrets []string) []byte {
	hide := func(s string) string {
		for _, secret := range secrets {
			s = strings.ReplaceAll(s, secret, Hidden)
		}
		return s
	}
	if !isJSON {
		return []byte(hide(string(body)))
	}
	words := map[string]string{}
	for _, name := range []string{"error_msg", "message", "description"} {
		if s := hide(gjson.GetBytes(body, name).String()); s != "" {
			words[name] = s
		}
	}
	hidden, err := json.Marshal(words)
	if err != nil {
		return []byte("{}")
	}
	return hidden
}

// Schema is the JSON schema of a plugin's configuration on a resource of a kind.
func (c *Client) Schema(ctx context.Context, plugin string, kind Kind) ([]byte, error) {
	what := "get the schema of plugin " + plugin
	query := url.Values{}
	if kind == Consumers {
		query.Set("schema_type", "consumer")
	}
	body, err := c.get(ctx, what, []string{Plugins.path(), plugin}, query)
	if errors.Is(err, ErrNotFound) {
		return nil, hint.Wrap(err, `"apisixscope admin get plugins" shows those that the gateway has`)
	}
	if err != nil {
		return nil, err
	}
	r, err := parsePlugin(plugin, body)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("%s at %s: %w", what, c.base, err), notAdmin)
	}
	r.apiKey = c.key
	return r.JSON(true), nil
}
