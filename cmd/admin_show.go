package cmd

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/text"
)

// unlimited is the width of a table that nobody looks at on a terminal, or that is to be wide.
const unlimited = 1 << 15

// show writes resources in the format that the user chose.
func (o *adminGetOptions) show(env Env, kind apisix.Kind, all []apisix.Resource) error {
	var out bytes.Buffer
	switch {
	case o.query != "":
		if err := o.showQuery(&out, all); err != nil {
			return err
		}
	case o.format == "json":
		for _, r := range all {
			out.Write(r.Envelope(o.secrets))
			out.WriteByte('\n')
		}
	case o.format == "yaml":
		for i, r := range all {
			if i > 0 {
				out.WriteString("---\n")
			}
			doc, err := apisix.YAML(r.Envelope(o.secrets))
			if err != nil {
				return fmt.Errorf("show %s %s: %w", kind, r.ID, err)
			}
			out.Write(doc)
		}
	case o.format == "name":
		for _, r := range all {
			out.WriteString(text.Clean(r.ID) + "\n")
		}
	default:
		return o.showTable(env, kind, all)
	}
	if _, err := env.Out.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// showQuery writes what is at the path of each resource that has something there.
func (o *adminGetOptions) showQuery(out *bytes.Buffer, all []apisix.Resource) error {
	found := false
	for _, r := range all {
		v := gjson.GetBytes(r.Envelope(o.secrets), o.query)
		if !v.Exists() {
			continue
		}
		found = true
		line := v.Raw
		if v.Type == gjson.String {
			line = text.Clean(v.String())
		}
		out.WriteString(strings.TrimRight(line, "\n") + "\n")
	}
	if !found {
		return hint.Wrap(fmt.Errorf("nothing is at %q", o.query), "a path begins as in a line of -o json: value.uri, or value.plugins.@keys")
	}
	return nil
}

func (o *adminGetOptions) showTable(env Env, kind apisix.Kind, all []apisix.Resource) error {
	columns := adminColumns(kind, o.format == "wide")
	var titles []render.Column
	for _, c := range columns {
		titles = append(titles, render.Column{Title: c.title, Number: c.number})
	}
	var rows [][]string
	for _, r := range all {
		// Cells are taken from what is shown: no secret gets into one.
		value := gjson.ParseBytes(r.JSON(o.secrets))
		var row []string
		for _, c := range columns {
			row = append(row, c.cell(&r, value))
		}
		rows = append(rows, row)
	}
	return render.Cells(env.Out, titles, rows, tableOptions(env, o.format == "wide"))
}

// tableOptions limit a table to the terminal, if there is one and the table is not to be wide.
func tableOptions(env Env, wide bool) render.Options {
	o := render.Options{Width: unlimited, Color: env.OutTerm && !env.NoColor}
	if env.OutTerm && env.Width > 0 && !wide {
		o.Width = env.Width
	}
	return o
}
