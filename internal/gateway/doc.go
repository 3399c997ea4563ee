// Package gateway finds the running Apache APISIX gateway and says how to read it.
//
// A gateway is an nginx: a master process and its children, all running one
// executable. It is told by what the executable exports, never by a process
// name, since APISIX runs nginx through a symlink called openresty. Everything is
// read through /proc/PID, so a gateway in another mount, PID or network namespace
// needs no special case.
//
//	/proc -> scan -> group -> Target{Master, Children, Binary, Lua, Version, Layout}
//
// Three sources name the offsets of nginx's structs, best first: the DWARF of the
// executable, that of its debug file, and a table measured from nginx's headers.
// Where none applies the Target says so and only sockets can be watched.
//
// Beside it, [Listeners] and [Established] name the processes and addresses at
// the far end of the gateway's upstream connections.
package gateway
