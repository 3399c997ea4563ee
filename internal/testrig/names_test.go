package testrig

import (
	"slices"
	"testing"
)

// TestGatewayNames compares what Names and Calls promise with what the gateway's Lua
// holds and what the nodes received.
func TestGatewayNames(t *testing.T) {
	rig := StartT(t, Options{Record: true, ContextLog: true})
	var contexts int
	for _, route := range AllRoutes() {
		for _, path := range route.Paths {
			s := sendPath(t, rig, route, path)
			if s.Err != "" || !slices.Contains(route.Statuses, s.Status) {
				t.Fatalf("%s %s: %+v", route.Kind, path, s)
			}
			contexts++
			lines, err := rig.WaitContextLog(t.Context(), contexts)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(lines, func(l ContextLine) bool { return l.ID == s.ID })
			if i < 0 {
				t.Fatalf("%s %s: no context of %s", route.Kind, path, s.ID)
			}
			checkContext(t, route, route.Names(path), lines[i])
			checkCalls(t, rig, route, s)
		}
	}
}

// sendPath makes one request of the route, for one of its paths.
func sendPath(t *testing.T, rig *Rig, route Route, path string) Sent {
	t.Helper()
	run, err := Load{Target: rig.Target(), Kinds: []Kind{route.Kind}, Requests: 1}.prepare()
	if err != nil {
		t.Fatal(err)
	}
	defer run.close()
	c := &loadClient{run: run}
	defer c.close()
	return c.send(t.Context(), loadRequest{Route: route, path: path, id: run.id(), body: run.bodies[route.Kind]})
}

func checkContext(t *testing.T, route Route, want Names, got ContextLine) {
	t.Helper()
	for name, value := range map[string]string{
		"route_id": want.RouteID, "route_name": want.RouteName, "service_id": want.ServiceID,
		"service_name": want.ServiceName, "consumer_name": want.Consumer,
		"upstream_key": want.UpstreamKey, "upstream_scheme": want.UpstreamScheme,
	} {
		if got.Fields[name] != value {
			t.Errorf("%s: %s: want %q, got %q", route.Kind, name, value, got.Fields[name])
		}
	}
	if _, there := got.Fields["balancer_ip"]; there != (len(route.Attempts) > 0) {
		t.Errorf("%s: balancer_ip: %v", route.Kind, got.Fields)
	}
	numbers := []string{"balancer_port", "balancer_try_count"}
	if route.Kind == NumericID {
		numbers = append(numbers, "route_id")
	}
	for name, kind := range got.Types {
		numeric := slices.Contains(numbers, name) || name == "conf_version" && want.ServiceID == ""
		numeric = numeric || name == "conf_id" && route.Kind == NumericID && want.ServiceID == ""
		if (kind == "number") != numeric {
			t.Errorf("%s: %s is a %s", route.Kind, name, kind)
		}
	}
	if (want.EndedBy != "") != (route.Attempts == nil && route.Kind != Lua404) {
		t.Errorf("%s: ended by %q", route.Kind, want.EndedBy)
	}
}

// checkCalls compares the records of s at nodes that are no upstream with Calls.
func checkCalls(t *testing.T, rig *Rig, route Route, s Sent) {
	t.Helper()
	var want []string
	for _, call := range route.Calls() {
		if call.Phase != "timer" {
			want = append(want, call.Node)
		} else if err := poll(t.Context(), func() (bool, error) {
			all, err := rig.Records(t.Context())
			return slices.ContainsFunc(all, func(r Record) bool { return r.Node == call.Node && r.ID == "" }), err
		}); err != nil {
			t.Errorf("%s: no call from a timer: %v", route.Kind, err)
		}
	}
	var got []string
	for _, rec := range recordsOf(t, rig, s.ID, len(recorded[route.Kind])) {
		if slices.Contains(want, rec.Node) {
			got = append(got, rec.Node)
		}
	}
	if route.Kind == FanOut {
		slices.Sort(got)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: calls: want %q, got %q", route.Kind, want, got)
	}
}

func TestNamesAreAsLongAsAllowed(t *testing.T) {
	if len(longID) != 64 || len([]rune(longName)) != 100 {
		t.Errorf("the id has %d characters, the name %d", len(longID), len([]rune(longName)))
	}
}
