package testrig

import (
	"encoding/hex"
	"testing"
)

// TestGatewayGRPC looks at the calls without a library between: which fields are in the
// head and which in the trailer.
func TestGatewayGRPC(t *testing.T) {
	rig := StartT(t, Options{})
	for _, tt := range []struct {
		kind          Kind
		head, trailer string // the status
		body          string
	}{
		{GRPC, "", "0", string(grpcMessage("order 8812"))},
		{GRPCOverTLS, "", "0", string(grpcMessage("order 8812"))},
		{GRPCMissing, "5", "", ""},
		{GRPCBreak, "", "13", string(grpcMessage("order 8812"))},
	} {
		route, err := RouteOf(tt.kind)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := rig.Target().SendRaw(t.Context(), route.Transport, RawRequest{
			Route: route, ID: "raw", Body: grpcMessage("order?"),
			Header: []HeaderField{{"content-type", "application/grpc"}, {"te", "trailers"}},
		})
		if err != nil {
			t.Fatalf("%s: %v", tt.kind, err)
		}
		if resp.Status != 200 || string(resp.Body) != tt.body || field(resp.Header, "grpc-status") != tt.head ||
			field(resp.Trailer, "grpc-status") != tt.trailer || field(resp.Header, "content-type") != "application/grpc" {
			t.Errorf("%s: status %d, head %q, trailer %q, body %s", tt.kind, resp.Status, resp.Header, resp.Trailer, hex.EncodeToString(resp.Body))
		}
	}
	// Many at once, on one connection of each kind: each has its own ngx.ctx.
	send(t, Load{Target: rig.Target(), Kinds: []Kind{GRPC, GRPCMissing, GRPCBreak, GRPCOverTLS, H2C}, Requests: 2000, Conns: 32})
}

// field returns the value of the first field of that name.
func field(fields []HeaderField, name string) string {
	for _, f := range fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}
