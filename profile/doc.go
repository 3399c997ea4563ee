// Package profile turns samples of a gateway into a profile: who used the CPU, who waited,
// and what blocked the event loop, by function, plugin, phase and route.
//
//	Source -> Label -> Builder -> *pprof.Profile -> Table, Findings -> a renderer
//
// The value in the middle is google/pprof's: every output is made of it, and "go tool
// pprof" reads it. Nothing here does I/O.
package profile
