package testrig

import (
	"context"
	"testing"
	"time"
)

func TestLoadRate(t *testing.T) {
	rig := StartT(t, Options{Cheap: true})
	res := send(t, Load{Target: rig.Target(), Kinds: []Kind{Keepalive}, Conns: 4, Rate: 100, Duration: time.Second})
	if n := len(res.Sent); n < 50 || n > 102 {
		t.Errorf("want about 100 requests, got %d", n)
	}
}

func TestLoadProcessStops(t *testing.T) {
	rig := StartT(t, Options{Cheap: true})
	p, err := Load{Target: rig.Target(), Kinds: []Kind{Keepalive}, Duration: time.Minute, Rate: 50}.Start()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	res, err := p.Wait(ctx)
	if err != nil || len(res.Sent) == 0 {
		t.Errorf("got %d requests, %v", len(res.Sent), err)
	}
	gone(t, p.PID())
}
