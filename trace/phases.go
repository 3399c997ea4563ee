package trace

import "time"

// phaseSpans adds the parts of nginx's work that were watched. Each lasts until the next
// one begins.
func (x *Exchange) phaseSpans(p *Phases, parent SpanID) {
	parts := []struct {
		name, entry string
		began       time.Time
	}{
		{"rewrite phase", "ngx_http_process_request", p.Process},
		{"access phase", "ngx_http_lua_access_handler", p.Access},
		{"proxying", "ngx_http_upstream_init", p.Upstream},
		{"response", "ngx_http_send_header", p.Response},
	}
	for i, part := range parts {
		if part.began.IsZero() {
			continue
		}
		end := p.Ended
		for _, next := range parts[i+1:] {
			if !next.began.IsZero() {
				end = next.began
				break
			}
		}
		x.span(Span{
			Parent: parent, Mark: MarkGateway, Role: RolePhase, Name: part.name, Start: part.began,
			Duration: since(part.began, end), PID: x.PID,
			Evidence: part.entry + " was entered for the request object", Confident: Exact,
		})
	}
}
