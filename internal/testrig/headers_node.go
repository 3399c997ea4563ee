package testrig

import (
	"bytes"
	"context"
	"fmt"
	"sync"
)

// headersNode is the name of the node that answers with the head it was told.
const headersNode = "headers"

// A ReceivedHead is the head of a request as a node received it.
type ReceivedHead struct {
	Line   string // the request line
	Header []HeaderField
}

// Answer has the node of Headers answer the request with this id with these fields, each
// written as it is, after the Content-Length and before the body. Call it before the
// request is sent.
func (r *Rig) Answer(ctx context.Context, id string, fields []HeaderField) error {
	_, err := r.upstreams.ask(ctx, command{Verb: verbAnswer, ID: id, Header: fields})
	return err
}

// Received returns what the node of Headers received of the request with this id.
func (r *Rig) Received(ctx context.Context, id string) (ReceivedHead, error) {
	got, err := r.upstreams.ask(ctx, command{Verb: verbReceived, ID: id})
	if err != nil {
		return ReceivedHead{}, err
	}
	if got.Received.Line == "" {
		return ReceivedHead{}, fmt.Errorf("%s: node %s has seen no request %s", verbReceived, headersNode, id)
	}
	return got.Received, nil
}

// A headBook is what the node of Headers is to answer, and what it received, by the
// requests' ids. It forgets nothing: tests send thousands of requests, not millions.
type headBook struct {
	mu       sync.Mutex
	answers  map[string][]HeaderField
	received map[string]ReceivedHead
}

func newHeadBook() *headBook {
	return &headBook{answers: map[string][]HeaderField{}, received: map[string]ReceivedHead{}}
}

func (b *headBook) tell(id string, fields []HeaderField) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers[id] = fields
}

func (b *headBook) of(id string) ReceivedHead {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.received[id]
}

// serve is the node's behaviour.
func (b *headBook) serve(c *nodeConn, req *nodeRequest) verdict {
	b.mu.Lock()
	if req.id != "" {
		b.received[req.id] = ReceivedHead{Line: req.line, Header: req.fields}
	}
	fields := b.answers[req.id]
	b.mu.Unlock()

	const body = "{}\n"
	var out bytes.Buffer
	fmt.Fprintf(&out, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n", len(body))
	for _, f := range fields {
		out.WriteString(f.Name + ": " + f.Value + "\r\n")
	}
	out.WriteString("\r\n")
	if req.method != "HEAD" {
		out.WriteString(body)
	}
	_, err := c.Write(out.Bytes())
	return verdict{status: 200, outcome: Served, keep: err == nil}
}
