package testrig

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
)

// A loadRequest is one request of a load.
type loadRequest struct {
	Route
	path string
	id   string
	body []byte
}

// requestHeaders returns what requests of kind carry beside host and id.
func requestHeaders(kind Kind) [][2]string {
	headers := [][2]string{{"User-Agent", "apisixscope-rig"}, {"Accept", "*/*"}}
	switch kind {
	case Keepalive, H2:
		headers = append(headers, [2]string{"apikey", "rig-key"}) // the others are anonymous
	case WebConsumer:
		headers = append(headers, [2]string{"apikey", "rig-web-key"})
	case InvalidKey:
		headers = append(headers, [2]string{"apikey", "stolen"})
	case GRPC, GRPCOverTLS, GRPCMissing, GRPCBreak:
		headers = append(headers, [2]string{"Content-Type", "application/grpc"}, [2]string{"TE", "trailers"})
	case NotModified:
		headers = append(headers, [2]string{"If-None-Match", rigETag})
	case Continue:
		headers = append(headers, [2]string{"Expect", "100-continue"})
	case WebSocket:
		headers = append(headers, [2]string{"Upgrade", "websocket"}, [2]string{"Connection", "Upgrade"},
			[2]string{"Sec-WebSocket-Version", "13"}, [2]string{"Sec-WebSocket-Key", "cmlncmlncmlncmlncmlncg=="})
	}
	return headers
}

// requestBody returns what requests of kind send.
func requestBody(kind Kind) []byte {
	switch kind {
	case Large:
		return bytes.Repeat([]byte("0123456789abcde\n"), largeBody/16)
	case GRPC, GRPCOverTLS, GRPCMissing, GRPCBreak:
		return grpcMessage("order?")
	case Continue, ClosedReused:
		return []byte(`{"sku":"a-17","count":2}`)
	}
	return nil
}

// head returns the request's head as HTTP/1.1 writes it.
func (q loadRequest) head() []byte {
	head := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\n%s: %s\r\n", q.Method, q.path, q.Host, idHeader, q.id)
	for _, h := range requestHeaders(q.Kind) {
		head = fmt.Appendf(head, "%s: %s\r\n", h[0], h[1])
	}
	if q.body != nil {
		head = fmt.Appendf(head, "Content-Length: %d\r\n", len(q.body))
	}
	return append(head, "\r\n"...)
}

// http2 sends the request through client and fills in how it was answered. All clients
// of the load share client's connections: their requests are multiplexed.
func (q loadRequest) http2(ctx context.Context, client *http.Client, base string, s *Sent) error {
	var body io.Reader
	if q.body != nil {
		body = streamed(q.body)
	}
	req, err := http.NewRequestWithContext(ctx, q.Method, base+q.path, body)
	if err != nil {
		return err
	}
	if q.body != nil {
		// What a connection that nginx is about to close did not take goes over another.
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(streamed(q.body)), nil }
	}
	req.Host = q.Host
	req.Header.Set(idHeader, q.id)
	for _, h := range requestHeaders(q.Kind) {
		req.Header.Set(h[0], h[1])
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	s.Status = resp.StatusCode
	if resp.ProtoMajor != 2 {
		return fmt.Errorf("want HTTP/2, got %s", resp.Proto)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	// Without a message, the head is the trailer too.
	s.GRPCStatus = resp.Header.Get("Grpc-Status") + resp.Trailer.Get("Grpc-Status")
	return err
}

// h2Client returns a client that speaks HTTP/2 alone: with prior knowledge
// when cleartext is set, over TLS otherwise.
func h2Client(cleartext bool) *http.Client {
	var protocols http.Protocols
	protocols.SetHTTP2(!cleartext)
	protocols.SetUnencryptedHTTP2(cleartext)
	return &http.Client{
		Timeout:   exchangeTimeout,
		Transport: &http.Transport{Protocols: &protocols, TLSClientConfig: clientTLS()},
	}
}

// clientTLS trusts any certificate: the gateway's is self-signed and was made
// when it started.
func clientTLS() *tls.Config {
	return &tls.Config{ServerName: MainHost, InsecureSkipVerify: true}
}
