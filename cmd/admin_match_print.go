package cmd

import (
	"fmt"
	"strings"

	"github.com/apisixscope/apisixscope/internal/text"
)

// print writes the report for people.
func (r *matchReport) print(s *sheet) error {
	s.line("%s %s%s", text.Clean(r.Method), text.Clean(r.Host), text.Clean(r.URI))
	s.row("", "router", fmt.Sprintf("%s (%s)", r.Router, r.RouterFrom))
	s.line("")
	if r.Bad != "" {
		s.line("nginx refuses it")
		s.row("no", "", r.Bad)
		return s.err
	}
	otherwise := ""
	for _, c := range r.Maybe {
		s.line("%sperhaps route %s", otherwise, text.Clean(c.ID))
		c.print(s)
		s.line("")
		otherwise = "otherwise "
	}
	if r.Route == nil {
		s.line("%sno route: APISIX answers 404 Route Not Found", otherwise)
	} else {
		s.line("%sroute %s", otherwise, text.Clean(r.Route.ID))
		r.Route.print(s)
	}
	for _, c := range r.Tied {
		s.line("")
		s.line("or route %s, if APISIX loaded that one earlier", text.Clean(c.ID))
		c.print(s)
	}
	r.printMisses(s)
	return s.err
}

func (c *matchRoute) print(s *sheet) {
	if len(c.Depends) > 0 {
		s.row("warn", "depends on", strings.Join(c.Depends, "; "))
	}
	rows := [][2]string{{"name", c.Name}, {"uri", c.URI}, {"host", c.Host}, {"service", c.Service.String()}, {"upstream", c.Upstream.String()}}
	for _, row := range rows {
		if row[1] != "" {
			s.row("", row[0], row[1])
		}
	}
	if c.Broken != "" {
		s.row("fail", "", c.Broken)
	}
	var plugins []string
	for _, p := range c.Plugins {
		words := p.Name
		if p.From != "route "+c.ID {
			words += " (" + p.From + ")"
		}
		if p.Disabled {
			words += " (disabled)"
		}
		plugins = append(plugins, words)
	}
	if len(plugins) == 0 {
		plugins = []string{"none"}
	}
	s.row("", "plugins", strings.Join(plugins, ", "))
}

// String writes a resource; nil is empty.
func (p *matchPart) String() string {
	if p == nil {
		return ""
	}
	var words []string
	switch {
	case p.ID != "":
		words = append(words, p.ID)
	case p.From != "":
		words = append(words, "of "+p.From)
	}
	if p.Name != "" && p.Name != p.ID {
		words = append(words, "("+p.Name+")")
	}
	if p.Missing {
		words = append(words, "(does not exist)")
	}
	if p.Nodes != "" {
		words = append(words, "at "+strings.ReplaceAll(p.Nodes, ",", ", "))
	}
	return strings.Join(words, " ")
}

func (r *matchReport) printMisses(s *sheet) {
	if len(r.Misses) == 0 {
		return
	}
	s.line("")
	s.line("not these")
	for _, m := range r.Misses {
		id := text.Clean(m.ID)
		if text.Width(id) >= nameWidth {
			s.line("  %s%s", s.paint("no")+strings.Repeat(" ", markWidth-len("no")), id)
			s.row("", "", strings.Join(m.Why, "; "))
			continue
		}
		s.row("no", id, strings.Join(m.Why, "; "))
	}
	if r.More > 0 {
		s.row("", "", fmt.Sprintf("and %d more that are less near", r.More))
	}
}
