package tui

import (
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// add appends requests, and drops the oldest. Those that match are counted apart: of a filter
// that few meet, requests are kept that are no longer among all.
func (s *State) add(all []*trace.Exchange) {
	s.Requests = lastOf(append(s.Requests, all...))
	if s.Filter == nil {
		s.Matching = s.Requests
		return
	}
	for _, x := range all {
		if s.meets(x) {
			s.Matching = append(s.Matching, x)
		}
	}
	s.Matching = lastOf(s.Matching)
}

// lastOf drops what is too much; the garbage collector is not to find it any more.
func lastOf(all []*trace.Exchange) []*trace.Exchange {
	over := len(all) - MaxRequests
	if over <= 0 {
		return all
	}
	clear(all[:over])
	return all[over:]
}

// filter has Matching be what meets a condition, which is empty for none. An error is a
// *logs.WhereError, and changes nothing.
func (s *State) filter(where string) error {
	var compiled *logs.Where
	if where != "" {
		var err error
		if compiled, err = logs.CompileWhere(where); err != nil {
			return err
		}
	}
	s.Filter, s.Where = compiled, where
	if compiled == nil {
		s.Matching = s.Requests
		return nil
	}
	s.Matching = nil
	for _, x := range s.Requests {
		if s.meets(x) {
			s.Matching = append(s.Matching, x)
		}
	}
	return nil
}

// meets decides for a request; one for which the condition cannot be decided does not meet it.
func (s *State) meets(x *trace.Exchange) bool {
	ok, err := s.Filter.Match(x)
	return err == nil && ok
}
