// Package trace turns the events of a gateway into exchanges: one client request each,
// with its spans, its timing and its attempts at upstream nodes.
//
//	Source -> Assembler -> Keep -> Sink
//
// An Event is one decoded record of the kernel side. The Assembler joins the events of one
// request into an Exchange and says for each edge of its tree by which evidence it was
// drawn, and whether that is proof or inference. Nothing here does I/O.
package trace
