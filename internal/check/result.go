package check

// State is what became of an assertion.
type State string

// The states.
const (
	Held     State = "held"
	Failed   State = "failed"
	Unjudged State = "not_judged" // what would tell could not be seen
)

// A Result is one assertion, and what there was.
type Result struct {
	Check    string // the request's or the observation's name
	Line     int    // of the file
	Asked    string
	State    State
	Measured string // what there was instead, or as well
	Why      string // it failed or was not judged
}

// Report is what a run said.
type Report struct {
	Plan    *Plan
	Results []Result
	Seen    uint64            // requests of the whole window
	Lost    map[string]uint64 // as trace.Summary has it
	End
}

// Count returns how many are in a state.
func (r *Report) Count(s State) (n int) {
	for i := range r.Results {
		if r.Results[i].State == s {
			n++
		}
	}
	return n
}
