package apisix

import (
	"fmt"
	"testing"
)

func TestReception(t *testing.T) {
	for _, tt := range []struct{ file, want string }{
		{"{}", "[9080 9443] [127.0.0.1/32] []"},
		{"apisix: {node_listen: 8080, ssl: {listen_port: 8443}}", "[8080 8443] [127.0.0.1/32] []"},
		{"apisix: {node_listen: [8080, {ip: 10.0.0.1, port: 8081}], ssl: {listen: [{port: 8443}]}}", "[8080 8081 8443] [127.0.0.1/32] []"},
		{"nginx_config: {http: {real_ip_from: ['10.0.0.0/8', 'unix:', '::1']}}", "[9080 9443] [10.0.0.0/8 ::1/128] []"},
		{"apisix: {delete_uri_tail_slash: true, match_uri_encoded_slash: false}", "[9080 9443] [127.0.0.1/32] [delete_uri_tail_slash]"},
	} {
		c, err := ReadConfig("conf/config.yaml", []byte(tt.file), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := c.Reception
		if got := fmt.Sprint(r.Ports, " ", r.Proxies, " ", r.Changes); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.file, got, tt.want)
		}
	}
}
