package check

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// A Condition compares something that was measured, as in "p99 < 50ms".
type Condition struct {
	Text string // as it was written
	Line int

	what  string
	op    string
	value float64 // nanoseconds, a count, or a share
	word  string  // of response_source
}

// unit is what a measure is counted in.
type unit uint8

const (
	counted unit = iota
	timed
	shared // of all requests; a count, where no % is written
	worded
)

// measures are what a condition can be about.
var measures = map[string]unit{
	"requests": counted, "retries": counted, "lost": counted,
	"errors": shared, "client_errors": shared,
	"min": timed, "avg": timed, "p50": timed, "p90": timed, "p95": timed, "p99": timed, "max": timed,
	"gateway_p50": timed, "gateway_p99": timed, "upstream_p50": timed, "upstream_p99": timed,
	"response_source": worded,
}

// measureNames are for error messages.
const measureNames = "requests, errors, client_errors, retries, lost, min, avg, p50, p90, p95, p99, max, gateway_p50, gateway_p99, upstream_p50, upstream_p99, response_source"

var (
	conditionForm = regexp.MustCompile(`^\s*([a-z_0-9]+)\s*(<=|>=|==|!=|<|>)\s*(\S+)\s*$`)
	sources       = []string{string(trace.FromAPISIX), string(trace.FromNginx), string(trace.FromUpstream), string(trace.FromUnknown)}
)

func parseCondition(s string) (Condition, error) {
	c := Condition{Text: strings.TrimSpace(s)}
	m := conditionForm.FindStringSubmatch(s)
	if m == nil {
		return c, fmt.Errorf("%q is no condition: write p99 < 50ms, errors < 1%% or retries == 0", c.Text)
	}
	c.what, c.op = m[1], m[2]
	kind, known := measures[c.what]
	if !known {
		return c, fmt.Errorf("%q is not measured%s: there are %s", c.what, nearest(c.what, strings.Split(measureNames, ", ")), measureNames)
	}
	share, percent := strings.CutSuffix(m[3], "%")
	var err error
	switch {
	case kind == worded:
		if c.word = m[3]; !slices.Contains(sources, c.word) || c.op != "==" && c.op != "!=" {
			err = fmt.Errorf("response_source is == or != one of %s: got %s %s", strings.Join(sources, ", "), c.op, m[3])
		}
	case kind == timed:
		var d time.Duration
		if d, err = time.ParseDuration(m[3]); err != nil || d < 0 {
			err = fmt.Errorf("%s is a length of time: write 50ms or 1.5s, not %s", c.what, m[3])
		}
		c.value = float64(d)
	case percent && kind != shared:
		err = fmt.Errorf("%s is a count, not a share: got %s", c.what, m[3])
	case percent:
		c.what += "%"
		c.value, err = number(share)
		c.value /= 100
		if err == nil && c.value > 1 {
			err = fmt.Errorf("no share is more than 100%%: got %s", m[3])
		}
	default:
		c.value, err = number(m[3])
	}
	return c, err
}

func number(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v < 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, fmt.Errorf("%q is no number", s)
	}
	return v, nil
}

// errNoRequest means that there is nothing to take a quantile of.
var errNoRequest = errors.New("no request was seen")

// judge compares. measured is in words what there was; err says why it cannot be known.
func (c *Condition) judge(m *measured) (held bool, measured string, err error) {
	if c.what == "response_source" {
		return c.judgeSource(m)
	}
	have, err := m.value(c.what)
	if err != nil {
		return false, "", err
	}
	switch c.op {
	case "<":
		held = have < c.value
	case "<=":
		held = have <= c.value
	case ">":
		held = have > c.value
	case ">=":
		held = have >= c.value
	case "==":
		held = have == c.value
	case "!=":
		held = have != c.value
	}
	measured = m.words(c.what, have)
	if m.unseen {
		measured += ", as the client saw it"
	}
	return held, measured, nil
}

// judgeSource asks it of each answer.
func (c *Condition) judgeSource(m *measured) (bool, string, error) {
	if m.unseen {
		return false, "", errUnseen
	}
	if m.requests == 0 {
		return false, "", errNoRequest
	}
	var parts []string
	held := true
	for _, s := range sources {
		n := m.sources[trace.ResponseSource(s)]
		if n == 0 {
			continue
		}
		parts = append(parts, fmt.Sprintf("%s %d", s, n))
		if (s == c.word) != (c.op == "==") {
			held = false
		}
	}
	return held, strings.Join(parts, ", "), nil
}

// words tells a measure for people.
func (m *measured) words(what string, v float64) string {
	name, percent := strings.CutSuffix(what, "%")
	switch {
	case percent:
		return fmt.Sprintf("%.4g%% (%.0f of %d)", 100*v, v*float64(m.requests), m.requests)
	case measures[name] == timed:
		return text.Duration(time.Duration(v))
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
