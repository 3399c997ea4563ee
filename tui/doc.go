// Package tui is the program for terminals behind top and open.
//
//	trace.Pipeline -> Feed -> one message each 100 ms -> Model -> the page that is shown -> the screen
//
// The Feed takes exchanges as they come, counts them, and keeps the last ones; it alone is
// for two goroutines. Everything else belongs to that of the Model, whose Update and View
// neither block nor do I/O: what does is a command that package cmd has given it.
package tui
