package pages

import "github.com/apisixscope/apisixscope/tui"

// All returns the pages in the order of their numbers.
func All() []tui.Page {
	all := []tui.Page{NewRequests(), NewTrace(), NewRoutes(), NewUpstreams(), NewWorkers(), NewProfile(), NewAdmin()}
	return append(all, NewHelp(all))
}
