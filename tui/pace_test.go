package tui

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestPace has data come all the time, and keys in bursts, alone and held down.
func TestPace(t *testing.T) {
	began := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for name, next := range map[string]func(*rand.Rand) time.Duration{
		"held down": func(*rand.Rand) time.Duration { return 33 * time.Millisecond },
		"alone": func(r *rand.Rand) time.Duration {
			return 400*time.Millisecond + time.Duration(r.Int64N(int64(time.Second)))
		},
		"bursts": func(r *rand.Rand) time.Duration { return time.Duration(r.ExpFloat64() * float64(80*time.Millisecond)) },
		"none":   func(*rand.Rand) time.Duration { return time.Hour },
	} {
		r := rand.New(rand.NewPCG(1, 2))
		var p pace
		var draws []time.Time
		key, pressed := began.Add(next(r)), time.Time{}
		longest := time.Duration(0)
		for now := began; now.Before(began.Add(time.Minute)); now = now.Add(time.Millisecond) {
			for !key.After(now) {
				if pressed.IsZero() {
					pressed = key
				}
				key = key.Add(max(next(r), time.Microsecond))
			}
			keyed := !pressed.IsZero()
			if p.due(keyed).After(now) {
				continue
			}
			p.drawn(now, keyed)
			draws = append(draws, now)
			if keyed {
				longest = max(longest, now.Sub(pressed))
			}
			pressed = time.Time{}
		}
		for i := range draws {
			if i >= mostDraws && draws[i].Sub(draws[i-mostDraws]) < time.Second {
				t.Fatalf("%s: %d draws in %v", name, mostDraws+1, draws[i].Sub(draws[i-mostDraws]))
			}
		}
		most := map[string]time.Duration{"alone": time.Millisecond, "held down": 200 * time.Millisecond, "bursts": 250 * time.Millisecond}[name]
		if longest > most {
			t.Errorf("%s: a key waited for %v, want %v at most", name, longest, most)
		}
		if len(draws) < 230 {
			t.Errorf("%s: %d draws in a minute: data is not shown as it comes", name, len(draws))
		}
		t.Logf("%s: %d draws, a key waited for %v at most", name, len(draws), longest)
	}
}
