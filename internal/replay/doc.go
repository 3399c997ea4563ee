// Package replay keeps what a window saw, and gives it back as if it were seen now.
//
//	trace.Event  -> Encoder -> a line of JSON -> Decoder -> trace.Event
//	a window     -> Writer  -> a file         -> Recording, which has Sources of it
//
// A line is lossless: every exported field of an exchange comes back as it was. Lines are how
// a recording is kept, and how the events of another host come here.
//
// A recording is a tar file of JSON lines, OTLP JSON lines and pprof profiles, written in
// chunks each of which is a zstd frame of its own: "tar --zstd -xf" takes it apart, and what
// is cut off, because the disk was full or we were killed, is readable up to the cut.
package replay
