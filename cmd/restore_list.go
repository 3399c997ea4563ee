package cmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/render"
)

// restoreLine is a saved undo in JSON; its form is described in docs/restore.md.
type restoreLine struct {
	ID     string        `json:"id"`
	Made   time.Time     `json:"made"`
	Until  time.Time     `json:"until,omitzero"`
	Kind   apisix.Kind   `json:"kind"`
	Object string        `json:"object"`
	Plugin string        `json:"plugin"`
	Change apisix.Change `json:"change"`
	Admin  string        `json:"admin"`
	State  string        `json:"state"`
	PID    int           `json:"pid,omitempty"` // of the process that is going to undo it
}

// list shows what is saved. What the undos hold is not shown: there are secrets in it.
func (o *restoreOptions) list(env Env, saved *apisix.Undos, list []*apisix.Undo) error {
	if len(list) == 0 {
		return tell(env.Err, "there is nothing to undo")
	}
	var lines []restoreLine
	for _, u := range list {
		l := restoreLine{ID: u.ID, Made: u.Made, Until: u.Until, Kind: u.Kind, Object: u.Object, Plugin: u.Plugin, Change: u.Change, Admin: u.Admin}
		switch {
		case saved.Busy(u):
			l.State, l.PID = "open", u.PID
		case u.Until.IsZero():
			l.State = "stays"
		default:
			l.State = "left"
		}
		lines = append(lines, l)
	}
	if o.format == "json" {
		return writeRestoreLines(env, lines)
	}
	var rows [][]string
	for _, l := range lines {
		state := l.State
		if l.PID != 0 {
			state = fmt.Sprintf("open until %s, pid %d", l.Until.Local().Format(time.TimeOnly), l.PID)
		}
		rows = append(rows, []string{l.ID, l.Made.Format(time.RFC3339), string(l.Kind) + "/" + l.Object, string(l.Change) + " " + l.Plugin, state, l.Admin})
	}
	columns := []render.Column{{Title: "ID"}, {Title: "MADE"}, {Title: "RESOURCE"}, {Title: "CHANGE"}, {Title: "STATE"}, {Title: "ADMIN API"}}
	return render.Cells(env.Out, columns, rows, tableOptions(env, false))
}

func writeRestoreLines(env Env, lines []restoreLine) error {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	for _, l := range lines {
		if err := e.Encode(l); err != nil {
			return fmt.Errorf("show the undo %s: %w", l.ID, err)
		}
	}
	if _, err := env.Out.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
