// Package bpf holds the kernel side and is its only speaker: it loads the programs,
// attaches them to a gateway, and turns their records into trace.Events.
//
//	uprobes, system calls, TCP states -> ring buffer -> Source.Next -> trace.Event
//
// Nothing is pinned: when the process ends, however it ends, the kernel detaches all.
package bpf
