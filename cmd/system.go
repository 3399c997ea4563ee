package cmd

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// hurryTime is what is left for cleaning up after a second signal.
const hurryTime = 200 * time.Millisecond

// watchSignals returns a context that the first SIGINT, SIGTERM or SIGHUP ends. The second
// one closes hurry, and soon after ends the process. Both are good ends: the exit code is 0.
func watchSignals() (ctx context.Context, hurry <-chan struct{}) {
	// Writing to a closed pipe is an error like any other, not the end.
	signal.Ignore(unix.SIGPIPE)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM)
	if !signal.Ignored(unix.SIGHUP) { // as nohup has it
		signal.Notify(signals, unix.SIGHUP)
	}
	ctx, cancel := context.WithCancel(context.Background())
	now := make(chan struct{})
	go func() {
		<-signals
		cancel()
		<-signals
		close(now)
		time.Sleep(hurryTime)
		os.Exit(0)
	}()
	return ctx, now
}

// watchPipe returns a channel that is closed once nobody can read what is written to f;
// nil if f is not a pipe.
func watchPipe(f *os.File) <-chan struct{} {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return nil
	}
	gone := make(chan struct{})
	fds := []unix.PollFd{{Fd: int32(f.Fd())}} // POLLERR is told without being asked for
	go func() {
		for {
			n, err := unix.Poll(fds, -1)
			switch {
			case err == unix.EINTR:
				continue
			case err == nil && n > 0:
				close(gone)
			}
			return
		}
	}()
	return gone
}

// processStart returns when this process began, early by up to the kernel's tick of
// 10 ms; now, if the kernel does not tell.
func processStart() time.Time {
	now := time.Now()
	var boot unix.Timespec
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil {
		return now
	}
	// proc(5): the 22nd field, in ticks since boot; the name in parentheses may hold blanks.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return now
	}
	ticks, err := strconv.ParseInt(string(fields[19]), 10, 64)
	if err != nil {
		return now
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux we run on
	return now.Add(time.Duration(ticks)*tick - time.Duration(boot.Nano()))
}
