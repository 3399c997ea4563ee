package testrig

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// grpcNode is the name of the node that speaks gRPC.
const grpcNode = "grpc"

// grpcMethods has the status with which each method of the node ends.
var grpcMethods = map[string]string{
	"/shop.Orders/Get":     "0",
	"/shop.Orders/Missing": "5",  // NOT_FOUND, and no message: the status is in the only head
	"/shop.Orders/Break":   "13", // INTERNAL, in the trailer that follows a message
}

// GRPCStatus returns the gRPC status that ends the route's requests, "" for other routes.
func (r Route) GRPCStatus() string {
	if r.Host != grpcHost {
		return ""
	}
	return grpcMethods[r.Paths[0]]
}

// grpcMessage frames one message (protocol/PROTOCOL-HTTP2.md of grpc/grpc).
func grpcMessage(payload string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(payload))), payload...)
}

// A grpcServer answers unary calls over HTTP/2 without TLS. It knows no Protocol Buffers:
// its messages are bytes.
type grpcServer struct {
	records *recorder
	conns   *atomic.Uint64
}

// A grpcConn is what a server knows of one connection from the gateway.
type grpcConn struct {
	number        uint64
	local, remote string
	seq           atomic.Int64
}

// grpcConnKey is the key of a *grpcConn in a request's context.
type grpcConnKey struct{}

func (s *grpcServer) serve(l net.Listener) {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{
		Handler:   s,
		Protocols: &protocols,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			conn := &grpcConn{number: s.conns.Add(1), local: c.LocalAddr().String(), remote: c.RemoteAddr().String()}
			return context.WithValue(ctx, grpcConnKey{}, conn)
		},
	}
	_ = server.Serve(l) // until the process ends
}

func (s *grpcServer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	start := time.Now()
	conn := req.Context().Value(grpcConnKey{}).(*grpcConn)
	seq := int(conn.seq.Add(1))
	io.Copy(io.Discard, req.Body)

	h := w.Header()
	h.Set("Content-Type", "application/grpc")
	status, known := grpcMethods[req.URL.Path]
	switch {
	case !known:
		h.Set("Grpc-Status", "12") // UNIMPLEMENTED
	case status == "5":
		h.Set("Grpc-Status", status)
		h.Set("Grpc-Message", "order not found")
	default:
		h.Set(http.TrailerPrefix+"Grpc-Status", status)
		if status != "0" {
			h.Set(http.TrailerPrefix+"Grpc-Message", "the stock is out of reach")
		}
		w.Write(grpcMessage("order 8812"))
	}
	s.records.add(conn.number, Record{
		ID: req.Header.Get(idHeader), Node: grpcNode, LocalAddr: conn.local, RemoteAddr: conn.remote, ConnSeq: seq,
		Start: start.UnixNano(), End: time.Now().UnixNano(),
		Method: req.Method, Path: req.URL.Path, Status: http.StatusOK, Outcome: Served,
	})
}

// streamed hides the body's length, which a gRPC client does not send.
func streamed(body []byte) io.Reader { return io.MultiReader(bytes.NewReader(body)) }
