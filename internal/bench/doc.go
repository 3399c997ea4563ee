// Package bench measures the program on a real gateway. The binary, built for the
// occasion, watches a rig in a process of its own; the load comes from another one.
//
//	load ──> gateway ──> upstreams
//	            │  └ access log  └ records ──> what happened ──┐
//	        apisixscope ─────────> JSON lines, /proc ──────────┴─> compared
//
// All of it is in the tests. They run where APISIXSCOPE_BENCH=1, as the Makefile's bench
// targets set it, and docs/measurements.md tells how each number is made.
package bench
