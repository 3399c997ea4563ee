package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	tea "github.com/charmbracelet/bubbletea"
)

// Work goes on beside the screen until ctx is done, and has send hand messages to the Model.
type Work func(ctx context.Context, send func(tea.Msg)) error

// Program is a Model on a terminal, and what goes on beside it.
type Program struct {
	Model tea.Model // a *Model
	Out   io.Writer // the terminal
	In    io.Reader // where keys come from; nil for stdin
	Env   []string  // what tells of the terminal; nil for the process's own
	// Watch fills the Feed. When it ends, the window is over; if it fails, so does the program.
	Watch Work
	// Beside runs as long as the screen is there. What fails of it is left out.
	Beside []Work
	// Hurry is closed when the user does not want to wait for an orderly end.
	Hurry <-chan struct{}
}

// overMsg says that nothing is attached to the gateway any more.
type overMsg struct{}

// Run shows the screen until the user quits, ctx is done, or Watch fails. However it ends,
// also by a panic, the terminal is left as it was.
func (p *Program) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	env := p.Env
	if env == nil {
		env = os.Environ()
	}
	options := []tea.ProgramOption{
		tea.WithOutput(fit(p.Out, env)), tea.WithEnvironment(env), tea.WithFPS(120), tea.WithoutSignalHandler(),
		tea.WithAltScreen(), tea.WithMouseCellMotion(),
	}
	if p.In != nil {
		options = append(options, tea.WithInput(p.In))
	}
	screen := tea.NewProgram(p.Model, options...)
	closed := make(chan struct{})
	var beside sync.WaitGroup
	start := func(work Work, ended func(error)) {
		beside.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					screen.Quit() // Kill could come before the terminal is what Run makes of it
					<-closed
					panic(r) // it can be read now
				}
			}()
			ended(work(ctx, screen.Send))
		})
	}
	watched := make(chan error, 1)
	start(p.Watch, func(err error) {
		watched <- err
		if err != nil {
			screen.Quit()
			return
		}
		screen.Send(overMsg{})
	})
	tellColors := func(_ context.Context, send func(tea.Msg)) error {
		send(colorsOf(p.Out, env))
		return nil
	}
	for _, work := range append([]Work{tellColors}, p.Beside...) {
		start(work, func(error) {})
	}
	stop := context.AfterFunc(ctx, screen.Quit)
	_, err := screen.Run()
	close(closed)
	stop()
	cancel()
	if err != nil {
		err = fmt.Errorf("draw the screen: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		beside.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return errors.Join(err, <-watched)
	case <-p.Hurry:
		return err
	}
}
