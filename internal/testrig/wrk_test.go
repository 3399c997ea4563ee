package testrig

import (
	"testing"
	"time"
)

func TestParseWrk(t *testing.T) {
	res, err := parseWrk(`  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.35ms    1.01ms  20.11ms   90.50%
    Req/Sec    12.07k     1.10k   13.9k     68.99%
  Latency Distribution
     50%    1.20ms
     75%    2.00ms
     99%   12.50ms
  24031 requests in 2.00s, 7.10MB read
  Socket errors: connect 0, read 1, write 0, timeout 2
  Non-2xx or 3xx responses: 4
Requests/sec:  12003.44
`)
	want := WrkResult{24031, 12003.44, 1200 * time.Microsecond, 12500 * time.Microsecond, 4, 3}
	if err != nil || res != want {
		t.Errorf("want %+v, got %+v, %v", want, res, err)
	}
	if _, err := parseWrk("unable to connect"); err == nil {
		t.Error("no error without totals")
	}
}

func TestWrk(t *testing.T) {
	rig := StartT(t, Options{Cheap: true})
	res, err := rig.Wrk(t.Context(), Wrk{Duration: time.Second})
	if err != nil || res.Requests < 100 || res.Non2xx != 0 || res.SocketErrors != 0 {
		t.Errorf("got %+v, %v", res, err)
	}
}
