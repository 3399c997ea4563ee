package apisix

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// both serves a kind's resources by both APIs; other kinds are empty. The maps are of ids and
// revisions, of the n-th time that the Admin API was asked.
func both(t *testing.T, at func(n int) (admin, gateway map[string]string)) (*Client, *Control) {
	t.Helper()
	n := 0
	items := func(all map[string]string) string {
		var list []string
		for id, revision := range all {
			list = append(list, fmt.Sprintf(`{"key":"/apisix/routes/%s","value":{"id":%q,"name":"r","update_time":5},"modifiedIndex":%s}`, id, id, revision))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	admin, _ := serve(t, rigKey, func(w http.ResponseWriter, r *http.Request) {
		list := "[]"
		if strings.HasSuffix(r.URL.Path, "/routes") {
			n++
			a, _ := at(n)
			list = items(a)
		}
		fmt.Fprintf(w, `{"list":%s,"total":%d}`, list, strings.Count(list, `"key"`))
	})
	gateway := control(t, func(w http.ResponseWriter, r *http.Request) {
		list := "{}"
		if strings.HasSuffix(r.URL.Path, "/routes") {
			_, g := at(n)
			list = items(g)
		}
		fmt.Fprint(w, list)
	})
	return admin, gateway
}

func TestCompare(t *testing.T) {
	type m = map[string]string
	for _, tt := range []struct {
		what string
		at   func(int) (m, m)
		want []Drift
	}{
		{"the same", func(int) (m, m) { return m{"1": "5"}, m{"1": "5"} }, nil},
		{"resolved names", func(int) (m, m) { return m{"1": "5"}, m{"1": `"5#3"`} }, nil},
		{"the gateway is ahead", func(int) (m, m) { return m{"1": "5"}, m{"1": "6"} }, nil},
		{"all three", func(int) (m, m) { return m{"1": "5", "2": "6"}, m{"1": "4", "3": "7"} }, []Drift{
			{Routes, "1", "r", 5, 4, 5}, {Routes, "2", "r", 6, 0, 5}, {Routes, "3", "r", 0, 7, 0},
		}},
		{"it arrives meanwhile", func(n int) (m, m) { return m{"1": "5"}, m{"1": fmt.Sprint(3 + n)} }, nil},
		{"it changes again", func(n int) (m, m) { return m{"1": fmt.Sprint(10 + n)}, m{"1": "3"} }, nil},
	} {
		admin, gateway := both(t, tt.at)
		got, _, err := Compare(t.Context(), admin, gateway, time.Millisecond)
		if err != nil || len(got) != len(tt.want) || len(got) > 0 && !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, %v; want %+v", tt.what, got, err, tt.want)
		}
	}
}

func TestCompareWhatWasRecorded(t *testing.T) {
	admin := replay(t, rigKey, "admin/002*", "admin/003*", "admin-empty/001*")
	gateway := control(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/routes" {
			fmt.Fprint(w, "{}")
			return
		}
		testrig.Replay(t, testrig.LoadRecorded(t, "testdata/control/006*", "testdata/control/008*"))(w, r)
	})
	drifts, compared, err := Compare(t.Context(), admin, gateway, time.Millisecond)
	if err != nil || len(drifts) != 0 || compared != 10 {
		t.Errorf("%+v of %d, %v", drifts, compared, err)
	}
}

func TestCompareEnds(t *testing.T) {
	admin, gateway := both(t, func(int) (a, g map[string]string) { return map[string]string{"1": "5"}, nil })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, _, err := Compare(ctx, admin, gateway, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	admin, _ = serve(t, "", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"error_msg":"x"}`, http.StatusUnauthorized)
	})
	if _, _, err := Compare(t.Context(), admin, gateway, 0); !errors.Is(err, ErrKey) {
		t.Errorf("got %v", err)
	}
}
