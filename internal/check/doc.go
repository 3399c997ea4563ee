// Package check asserts on a window of a gateway: in CI, after a roll-out, or by hand.
//
//	a file -> Plan -> Send (requests of our own), Collector (what the gateway did) -> Judge -> Result -> a report
//
// A Result is held, failed, or not judged: the last where what would tell could not be seen.
package check
