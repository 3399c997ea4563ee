package check

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// seen is four requests: 10, 20, 30 and 40 ms, a 502, a 404, and three attempts too many.
func seen(holds ...string) *measured {
	var all []Condition
	for _, h := range holds {
		c, err := parseCondition(h)
		if err != nil {
			panic(err)
		}
		all = append(all, c)
	}
	m := &measured{needs: needsOf(all), lost: 7}
	for i, status := range []int{200, 502, 404, 200} {
		x := &trace.Exchange{Status: status, Duration: time.Duration(i+1) * 10 * time.Millisecond, Source: trace.FromUpstream}
		x.Timing.Gateway = time.Duration(i+1) * time.Millisecond
		for range i {
			x.Attempts = append(x.Attempts, trace.Attempt{Duration: 2 * time.Millisecond})
		}
		if status == 404 {
			x.Source = trace.FromAPISIX
		}
		m.add(x)
	}
	return m
}

func TestConditions(t *testing.T) {
	for asked, want := range map[string]struct {
		held bool
		said string
	}{
		"requests == 4":                     {true, "4"},
		"requests>4":                        {false, "4"},
		"requests >= 4":                     {true, "4"},
		"requests != 4":                     {false, "4"},
		"retries == 3":                      {true, "3"}, // 0+0+1+2
		"lost <= 7":                         {true, "7"},
		"lost < 7":                          {false, "7"},
		"errors == 1":                       {true, "1"},
		"errors <= 25%":                     {true, "25% (1 of 4)"},
		"errors < 25%":                      {false, "25% (1 of 4)"},
		"client_errors == 25%":              {true, "25% (1 of 4)"},
		"min == 10ms":                       {true, "10.0ms"},
		"avg == 25ms":                       {true, "25.0ms"},
		"p50 == 20ms":                       {true, "20.0ms"},
		"p90 < 40ms":                        {false, "40.0ms"},
		"p95 <= 40ms":                       {true, "40.0ms"},
		"p99 > 39.9ms":                      {true, "40.0ms"},
		"max == 0.04s":                      {true, "40.0ms"},
		"gateway_p50 == 2ms":                {true, "2.00ms"},
		"gateway_p99 == 4ms":                {true, "4.00ms"},
		"upstream_p50 == 4ms":               {true, "4.00ms"}, // of 2, 4 and 6
		"upstream_p99 == 6ms":               {true, "6.00ms"},
		"response_source != nginx":          {true, "apisix 1, upstream 3"},
		"response_source != apisix":         {false, "apisix 1, upstream 3"},
		"response_source == upstream":       {false, "apisix 1, upstream 3"},
		"  response_source   ==  upstream ": {false, "apisix 1, upstream 3"},
	} {
		m := seen(asked)
		c, _ := parseCondition(asked)
		held, said, err := c.judge(m)
		if err != nil || held != want.held || said != want.said {
			t.Errorf("%s: %v, %q, %v; want %v, %q", asked, held, said, err, want.held, want.said)
		}
	}
}

// TestConditionsUnjudged has what only the gateway tells, what there is nothing of, and what
// is too much.
func TestConditionsUnjudged(t *testing.T) {
	client := &measured{needs: needs{took: true}, unseen: true}
	client.count(200, time.Millisecond)
	full := &measured{crowded: true, took: []time.Duration{1}}
	for asked, c := range map[string]struct {
		of   *measured
		want error
	}{
		"retries == 0": {client, errUnseen}, "lost == 0": {client, errUnseen}, "gateway_p99 < 1s": {client, errUnseen},
		"upstream_p50 < 1s": {client, errUnseen}, "response_source != apisix": {client, errUnseen},
		"p99 < 1s": {client, nil}, "errors < 1%": {client, nil}, "requests == 1": {client, nil},
		"p50 < 1s": {&measured{}, errNoRequest}, "errors < 2%": {&measured{}, errNoRequest}, "errors == 0": {&measured{}, nil},
		"response_source == nginx": {&measured{}, errNoRequest}, "max < 1s": {full, errTooMany}, "requests == 0": {full, nil},
	} {
		parsed, err := parseCondition(asked)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := parsed.judge(c.of); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", asked, err, c.want)
		}
	}
}

func TestConditionsWrong(t *testing.T) {
	for asked, want := range map[string]string{
		"":                         "is no condition",
		"p99":                      "is no condition",
		"p99 < ":                   "is no condition",
		"p99 < 5ms and more":       "is no condition",
		"p99 = 5ms":                "is no condition",
		"retrys == 0":              "(retries?)",
		"p99 < -5ms":               "a length of time",
		"p99 < 5%":                 "a length of time",
		"requests == five":         `"five" is no number`,
		"requests == -1":           "is no number",
		"requests == NaN":          "is no number",
		"requests == Inf":          "is no number",
		"errors < 100.1%":          "more than 100%",
		"errors < %":               "is no number",
		"lost < 1%":                "a count, not a share",
		"response_source < nginx":  "is == or !=",
		"response_source == nginy": "is == or !=",
	} {
		if _, err := parseCondition(asked); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", asked, err, want)
		}
	}
}

// TestQuantiles compares with the definition: the least duration that so many do not exceed.
func TestQuantiles(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for n := 1; n < 300; n++ {
		all := make([]time.Duration, n)
		for i := range all {
			all[i] = time.Duration(rnd.IntN(50))
		}
		for name, percent := range map[string]int{"p50": 50, "p90": 90, "p95": 95, "p99": 99, "max": 100} {
			want := slices.Max(all)
			for _, d := range all {
				within := 0
				for _, other := range all {
					if other <= d {
						within++
					}
				}
				if within*100 >= percent*n {
					want = min(want, d)
				}
			}
			if got := quantile(all, name); got != want {
				t.Fatalf("%s of %d: %d, want %d", name, n, got, want)
			}
		}
	}
}

// TestTimedBounds keeps nothing that is not asked for, and not more than there is room for.
func TestTimedBounds(t *testing.T) {
	m := seen("gateway_p99 < 1s", "errors == 0")
	if m.took != nil || m.upstream != nil || len(m.gateway) != 4 {
		t.Errorf("kept are %v, %v and %v", m.took, m.gateway, m.upstream)
	}
	m.gateway = make([]time.Duration, maxTimed)
	m.add(&trace.Exchange{Timing: trace.Timing{Gateway: 1}})
	if len(m.gateway) != maxTimed || !m.crowded {
		t.Errorf("%d are kept, and crowded is %v", len(m.gateway), m.crowded)
	}
}
