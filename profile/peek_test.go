package profile_test

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
)

// TestPeekDoesNotEnd looks at a profile again and again while it grows: what was seen stays as
// it was, and the end is that of a profile nobody has looked at.
func TestPeekDoesNotEnd(t *testing.T) {
	samples := testrig.Samples()
	samples = append(samples, profile.Sample{Kind: profile.Lost, Cause: "ring buffer full", Count: 3}, profile.Sample{Kind: profile.Note, Cause: "libfoo.so has no names"})
	for _, kind := range []profile.Kind{profile.CPU, profile.Stall} {
		for i := range samples {
			if s := &samples[i]; s.Kind != profile.Lost && s.Kind != profile.Note {
				s.Kind, s.Tick = kind, profile.Tick{Start: testrig.SamplesBegan.Add(time.Duration(i/10) * time.Second), Length: 34 * time.Millisecond}
			}
		}
		o := profile.Options{Kind: kind, Period: testrig.SamplePeriod}
		b := profile.NewBuilder(o)
		type look struct {
			p   *pprof.Profile
			sum profile.Summary
			raw []byte
			n   uint64 // samples then
		}
		var looks []look
		for i, s := range samples {
			s.Label()
			b.Add(&s)
			if i%50 == 0 || i >= len(samples)-2 {
				p, sum := b.Peek(testrig.SamplesBegan, time.Duration(i)*time.Second)
				looks = append(looks, look{p, sum, rawProfile(t, p), min(uint64(i+1), uint64(len(samples)-2))})
			}
		}
		p, sum := b.Finish(testrig.SamplesBegan, 4*time.Second)
		wantP, wantSum := built(o, samples)
		if !bytes.Equal(rawProfile(t, p), rawProfile(t, wantP)) || !reflect.DeepEqual(sum, wantSum) {
			t.Errorf("%s: who was looked at ends with %+v, others with %+v", kind, sum, wantSum)
		}
		for i, l := range looks {
			if !bytes.Equal(rawProfile(t, l.p), l.raw) {
				t.Errorf("%s: what look %d saw has changed", kind, i)
			}
			if l.sum.Samples != l.n || profile.Total(l.p) != int64(l.n)*int64(testrig.SamplePeriod) {
				t.Errorf("%s: look %d sees %d samples in the summary, %v in the profile: want %d", kind, i, l.sum.Samples, time.Duration(profile.Total(l.p)), l.n)
			}
			if lost := l.sum.Lost["ring buffer full"]; (lost == 3) != (i >= len(looks)-2) {
				t.Errorf("%s: look %d sees %d lost", kind, i, lost)
			}
		}
		if kind == profile.Stall && looks[1].sum.Ticks >= sum.Ticks {
			t.Errorf("look 1 sees %d long ticks of %d", looks[1].sum.Ticks, sum.Ticks)
		}
	}
}

func rawProfile(t *testing.T, p *pprof.Profile) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := p.WriteUncompressed(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
