package trace

import "strings"

// called is what a user calls a route, a service or a consumer.
type called struct {
	word string
	glob bool // "*" and "?" in it stand for others
	none bool // there is none
}

// AddRoute adds routes: an id, a name, a glob of either, or "none" for requests that no
// route matched.
func (f *Filter) AddRoute(words string) error {
	return addCalled(&f.routes, words, "a route's id or name, or none")
}

// AddService adds services, as AddRoute does routes.
func (f *Filter) AddService(words string) error {
	return addCalled(&f.services, words, "a service's id or name, or none")
}

// AddConsumer adds consumers by name, as AddRoute does routes.
func (f *Filter) AddConsumer(words string) error {
	return addCalled(&f.consumers, words, "a consumer's name, or none")
}

func addCalled(to *[]called, words, want string) error {
	return each(words, want, func(w string) error {
		*to = append(*to, called{word: w, glob: strings.ContainsAny(w, "*?"), none: w == "none"})
		return nil
	})
}

// Plain returns the routes, services and consumers that are wanted, each of them nil unless
// plain words say all that there is to say.
func (f *Filter) Plain() (routes, services, consumers []string) {
	return plain(f.routes), plain(f.services), plain(f.consumers)
}

func plain(wanted []called) []string {
	var all []string
	for i := range wanted {
		if wanted[i].glob || wanted[i].none {
			return nil
		}
		all = append(all, wanted[i].word)
	}
	return all
}

// keepsNames returns the flag that removes what has these names, and else "". Of a request
// whose names are not known, nobody can say that it has none.
func (f *Filter) keepsNames(n *Names) string {
	known := n.From != NamesUnread
	switch {
	case !keepsCalled(f.routes, n.RouteID, n.RouteName, known):
		return "--route"
	case !keepsCalled(f.services, n.ServiceID, n.ServiceName, known):
		return "--service"
	// Which consumer it is, plugins find out: matching does not tell.
	case !keepsCalled(f.consumers, n.Consumer, "", known && n.From != NamesComputed):
		return "--consumer"
	}
	return ""
}

func keepsCalled(wanted []called, id, name string, known bool) bool {
	for i := range wanted {
		if wanted[i].match(id, name, known) {
			return true
		}
	}
	return len(wanted) == 0
}

func (c *called) match(id, name string, known bool) bool {
	switch {
	case id == "" && name == "":
		return c.none && known
	case c.glob:
		return id != "" && matchGlob(c.word, id) || name != "" && matchGlob(c.word, name)
	}
	return c.word == id || c.word == name
}
