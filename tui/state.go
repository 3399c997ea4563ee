package tui

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"
	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/trace"
)

// MaxRequests is how many requests are kept to be looked at; of all of them, there are counts.
const MaxRequests = 10_000

// State is what was seen of the window so far. The Model fills it; pages read it in Update and
// View, and keep nothing of it that they would change.
type State struct {
	Title string // which gateway, or which recording
	// Now is the time of the last tick; of a recording, the end of its window.
	Now    time.Time
	Window Window
	Paused bool // nothing new is shown
	Dark   bool // the terminal's background is
	Colors bool // the terminal has colours, and the user wants them

	// Requests are the last ones, the newest last. Those are Matching that meet Filter.
	Requests, Matching []*trace.Exchange
	Filter             *logs.Where // nil for none
	Where              string      // the filter's words
	// Open is the request that is looked at on its own; nil for none.
	Open *trace.Exchange

	Shown uint64 // requests since the window began
	Seen  uint64 // of those and the ones that the command line's filters removed
	Lost  map[string]uint64
	Notes []string // what the source has to say of itself

	Profile Profile
	Admin   *Admin // nil until it was asked

	feed  *Feed
	asked []tea.Msg
}

// Ask asks the frame for what msg says, such as OpenRequest. It is done before the next key.
func (s *State) Ask(msg tea.Msg) { s.asked = append(s.asked, msg) }

// Window is the time in which the gateway is watched.
type Window struct {
	Began time.Time
	Ends  time.Time // zero for no end
	Over  bool      // nothing is attached to the gateway any more
	Live  bool      // false for a recording
}

// Profile is what the workers' stacks were last known to be of.
type Profile struct {
	Profile *pprof.Profile // nil until there is one
	Summary profile.Summary
	// Status says in words why there is none, or that it is being made; empty for nothing to say.
	Status string
}

// Admin is what the Admin API says of the routes.
type Admin struct {
	Routes []AdminRoute
	// Trouble says in words why there are none.
	Trouble string
	// Match tells which route a request gets, and why not another, in lines for people; nil
	// where that is not known. The lines are clean, and no wider than width. It takes its time,
	// so it is for a tea.Cmd.
	Match func(method, host, uri string, width int) []string
}

// AdminRoute is a route as it is configured. Nothing of it is clean.
type AdminRoute struct {
	ID, Name, Status    string
	URI, Hosts, Methods string // of several, with commas
	Upstream            string // or the nodes, or the service
	Plugins             string // with commas
	Priority            int64
}

// Overhead is what watching costs, in shares of one CPU.
type Overhead struct {
	Own      float64 // of this program
	Programs float64 // of its programs in the kernel, which run in the gateway's time
	Known    bool    // Programs was measured: the kernel keeps such statistics
}
