// Package metrics counts what requests did, in a fixed amount of memory.
//
//	*trace.Exchange -> Nodes -> a file that the next command reads
//	*trace.Exchange, *trace.Worker -> Requests -> the terminal UI, a report
package metrics
