package testrig

import (
	"slices"
	"sync"
)

// An Outcome is what an upstream node did with a request.
type Outcome string

// The outcomes of a request at a node.
const (
	Served Outcome = "served" // answered, whatever the status
	Reset  Outcome = "reset"  // the node reset the connection
	Shut   Outcome = "closed" // the node closed the connection without an answer
	Hung   Outcome = "hung"   // the node never answered; End is when the gateway gave up
)

// A Record is one request as the node that received it saw it.
type Record struct {
	ID         string // X-Rig-Id, or the id in a Redis key; "" when there was none
	Node       string // the node's name, see Rig.Nodes
	LocalAddr  string // the node's ip:port
	RemoteAddr string // the gateway's ip:port
	ConnSeq    int    // the request's number on its connection, from 1
	Start, End int64  // Unix nanoseconds: first byte read, last byte written
	Method     string // or the Redis command
	Path       string // or the Redis key
	Status     int    // 0 when the node did not answer, and for Redis
	Outcome    Outcome
}

// recorderShards keeps connections from queueing for one lock.
const recorderShards = 16

// A recorder keeps records in memory. A nil recorder keeps nothing.
type recorder struct {
	shards [recorderShards]struct {
		sync.Mutex
		records []Record
	}
}

// add keeps rec; connections spread by their number over the shards.
func (r *recorder) add(conn uint64, rec Record) {
	if r == nil {
		return
	}
	s := &r.shards[conn%recorderShards]
	s.Lock()
	s.records = append(s.records, rec)
	s.Unlock()
}

// shard returns a copy of what shard i holds.
func (r *recorder) shard(i int) []Record {
	if r == nil {
		return nil
	}
	s := &r.shards[i]
	s.Lock()
	defer s.Unlock()
	return slices.Clone(s.records)
}

// reset forgets all records.
func (r *recorder) reset() {
	if r == nil {
		return
	}
	for i := range r.shards {
		s := &r.shards[i]
		s.Lock()
		s.records = nil
		s.Unlock()
	}
}
