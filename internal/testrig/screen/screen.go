// Package screen is a terminal for tests: a pseudo-terminal, and what draws what is written to
// it. Programs cannot tell it from a real one.
//
//	keys -> pseudo-terminal -> the program -> pseudo-terminal -> cells
package screen

import (
	"fmt"
	"image/color"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/charmbracelet/x/vt"
	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// Screen is a terminal with somebody before it.
type Screen struct {
	// Program is the end at which a program has its stdin and stdout.
	Program *os.File

	user *os.File
	done chan struct{}
	last atomic.Int64 // when the program wrote last, in nanoseconds

	mu  sync.Mutex   // of what follows; vt's own SafeEmulator hands its cells out
	emu *vt.Emulator // but for Read, which waits
	raw strings.Builder
}

// New opens a terminal with a dark background; it is closed with the test.
func New(t testrig.TB, width, height int) *Screen {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatalf("open a pseudo-terminal: %v", err)
	}
	var n int
	control(t, user, func(fd int) error {
		// /dev/pts/N is not to be had before it is unlocked.
		if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
			return err
		}
		n, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		return err
	})
	program, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatalf("open a pseudo-terminal: %v", err)
	}
	s := &Screen{Program: program, user: user, emu: vt.NewEmulator(width, height), done: make(chan struct{})}
	s.Background(color.Black)
	s.Resize(t, width, height)
	go s.draw()
	go s.answer()
	t.Cleanup(s.close)
	return s
}

// close ends both ends, and what reads from them.
func (s *Screen) close() {
	s.Program.Close()
	s.user.Close()
	if in, ok := s.emu.InputPipe().(io.Closer); ok { // Close would race with its own Read
		in.Close()
	}
	<-s.done
}

// draw draws what the program writes, until nobody can write any more.
func (s *Screen) draw() {
	defer close(s.done)
	b := make([]byte, 64<<10)
	for {
		n, err := s.user.Read(b)
		if err != nil {
			return
		}
		s.last.Store(time.Now().UnixNano())
		s.mu.Lock()
		s.raw.Write(b[:n])
		s.emu.Write(b[:n])
		s.mu.Unlock()
	}
}

// answer hands over what a terminal says of itself when it is asked.
func (s *Screen) answer() {
	b := make([]byte, 4096)
	for {
		n, err := s.emu.Read(b)
		if err != nil {
			return
		}
		if _, err := s.user.Write(b[:n]); err != nil {
			return
		}
	}
}

// Background is what the terminal says its background is.
func (s *Screen) Background(c color.Color) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emu.SetBackgroundColor(c)
}

// Resize gives the terminal another size. Whose controlling terminal it is not must be told by
// SIGWINCH.
func (s *Screen) Resize(t testrig.TB, width, height int) {
	t.Helper()
	s.mu.Lock()
	s.emu.Resize(width, height)
	s.mu.Unlock()
	control(t, s.user, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(height), Col: uint16(width)})
	})
}

// control does something with f's descriptor. Fd would make reads of it such that a close does
// not end them.
func control(t testrig.TB, f *os.File, do func(fd int) error) {
	t.Helper()
	c, err := f.SyscallConn()
	if err == nil {
		var failed error
		err = c.Control(func(fd uintptr) { failed = do(int(fd)) })
		if err == nil {
			err = failed
		}
	}
	if err != nil {
		t.Fatalf("set up the pseudo-terminal: %v", err)
	}
}

// Press sends bytes as a keyboard or a mouse does.
func (s *Screen) Press(t testrig.TB, keys string) {
	t.Helper()
	if _, err := s.user.WriteString(keys); err != nil {
		t.Fatalf("press %q: %v", keys, err)
	}
}

// Text is what can be read on the screen, without blanks at the ends of lines.
func (s *Screen) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := make([]string, s.emu.Height())
	for y := range lines {
		var b strings.Builder
		for x := 0; x < s.emu.Width(); x++ {
			c := s.emu.CellAt(x, y)
			switch {
			case c == nil || c.Content == "" && c.Width == 1:
				b.WriteByte(' ')
			default:
				b.WriteString(c.Content) // empty behind a wide one
			}
		}
		lines[y] = strings.TrimRight(b.String(), " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
}

// AltScreen reports that the program has a screen of its own.
func (s *Screen) AltScreen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.emu.IsAltScreen()
}

// Raw is all that the program has written.
func (s *Screen) Raw() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.raw.String()
}

// Quiet is for how long the program has written nothing.
func (s *Screen) Quiet() time.Duration { return time.Since(time.Unix(0, s.last.Load())) }

// Wait waits until all of the words are on the screen, and nothing was written for a while. It
// fails the test with the screen if they do not come.
func (s *Screen) Wait(t testrig.TB, still time.Duration, words ...string) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		if s.Quiet() >= still && hasAll(s.Text(), words) {
			return
		}
	}
	t.Fatalf("the screen lacks one of %q:\n%s", words, s.Text())
}

// Appears waits until all of the words are on the screen, which need not stand still.
func (s *Screen) Appears(t testrig.TB, words ...string) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(2 * time.Millisecond) {
		if hasAll(s.Text(), words) {
			return
		}
	}
	t.Fatalf("the screen lacks one of %q:\n%s", words, s.Text())
}

func hasAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}
