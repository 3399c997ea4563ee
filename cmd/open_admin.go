package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/replay"
	"github.com/apisixscope/apisixscope/tui"
)

// recordedAdmin is what the Admin API said when the recording was made.
func recordedAdmin(ctx context.Context, file string, r *replay.Recording) *tui.Admin {
	all := map[string][]json.RawMessage{}
	for name, data := range r.Facts {
		kind, is := strings.CutPrefix(name, "admin-")
		if !is {
			continue
		}
		key := strings.ReplaceAll(kind, "-", "_") // as a document of all kinds has it
		for _, one := range gjson.ParseBytes(data).Array() {
			all[key] = append(all[key], withID(one))
		}
	}
	if len(all) == 0 {
		return &tui.Admin{Trouble: "the recording has nothing of the Admin API: it could not be reached then"}
	}
	client := apisix.NewFile(file, func() ([]byte, error) { return json.Marshal(all) })
	return readAdmin(ctx, client, &access{})
}

// withID is the value of a resource, with the id that it may have beside it alone.
func withID(envelope gjson.Result) json.RawMessage {
	value := map[string]json.RawMessage{}
	if json.Unmarshal([]byte(envelope.Get("value").Raw), &value) != nil {
		return json.RawMessage("{}")
	}
	if _, has := value["id"]; !has {
		value["id"] = fmt.Appendf(nil, "%q", envelope.Get("id").String())
	}
	b, _ := json.Marshal(value) // of what was JSON
	return b
}
