package testrig

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseAccessLine(t *testing.T) {
	row := strings.Join([]string{"a-1", "1700000000.125", "77", "40123", "12", "3", MainHost, `GET /a\x09b HTTP/1.1`, "502", "310", "0.051",
		"10.0.0.1:80, 10.0.0.2:80", "504, 502", "0.000, -", "-, -", "0.050, 0.001"}, "\t")
	want := AccessLine{
		ID: "a-1", Time: time.UnixMilli(1700000000125), Worker: 77, ClientPort: 40123, Connection: 12, ConnectionSeq: 3, Host: MainHost,
		Request: `GET /a\x09b HTTP/1.1`, Status: 502, BytesSent: 310, RequestTime: 51 * time.Millisecond,
		Attempts: []AccessAttempt{
			{"10.0.0.1:80", 504, 0, -1, 50 * time.Millisecond},
			{"10.0.0.2:80", 502, -1, -1, time.Millisecond},
		},
	}
	got, err := parseAccessLine(row)
	if err != nil || !got.Time.Equal(want.Time) {
		t.Fatalf("got %+v, %v", got, err)
	}
	got.Time = want.Time
	if !reflect.DeepEqual(got, want) {
		t.Errorf("want %+v\n got %+v", want, got)
	}

	for _, bad := range []string{"", "a\tb", strings.Replace(row, "502\t310", "five\t310", 1), strings.Replace(row, "504, 502", "504", 1)} {
		if _, err := parseAccessLine(bad); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}
