package render

// groups writes a line for each.
func (j *traceJSON) groups(all []*group) error {
	for _, g := range all {
		b := append(j.buf, `{"type":"group",`...)
		if g.other {
			b = append(b, `"other":true,`...)
		}
		b = textField(b, `"http.request.method":`, g.method)
		b = textField(b, `"server.address":`, g.host)
		b = textField(b, `"url.template":`, g.path)
		if g.routed && !g.routes && !g.other {
			b = textField(b, `"apisix.route_id":`, g.routeID)
			b = textField(b, `"apisix.route_name":`, g.routeName)
		}
		b = intField(b, `"requests":`, int64(g.requests))
		b = intField(b, `"errors":`, int64(g.errors))
		b = intField(b, `"retries":`, int64(g.retries))
		b = nsField(b, `"sum_ns":`, g.spent)
		if b = cpuField(b, &g.cpu); g.sampled > 0 {
			b = intField(b, `"cpu_requests":`, int64(g.sampled))
		}
		b = nsField(b, `"p50_ns":`, g.total.Quantile(0.5))
		b = nsField(b, `"p90_ns":`, g.total.Quantile(0.9))
		b = nsField(b, `"p99_ns":`, g.total.Quantile(0.99))
		b = nsField(b, `"max_ns":`, g.total.Max())
		b = nsField(b, `"gateway_p50_ns":`, g.gateway.Quantile(0.5))
		b = nsField(b, `"upstream_p50_ns":`, g.upstream.Quantile(0.5))
		if name, times := g.mostLargest(); times > 0 {
			b = textField(b, `"largest_part":`, name)
			b = intField(b, `"largest_part_requests":`, int64(times))
		}
		if err := j.commit(append(shut(b, '}'), '\n')); err != nil {
			return err
		}
	}
	return nil
}
