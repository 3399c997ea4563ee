package trace

import (
	"iter"
	"strconv"
	"time"
)

const partClientWrite = "client_write"

// Parts yields the parts of the request's time that were seen, in order.
func (x *Exchange) Parts() iter.Seq[Part] {
	return func(yield func(Part) bool) {
		t := x.Timing
		if !part(yield, "client_read", t.ClientRead) || !part(yield, "gateway", t.Gateway) {
			return
		}
		for i := range x.Attempts {
			if !x.Attempts[i].parts(x.attemptName(i), yield) {
				return
			}
		}
		if part(yield, "gateway_response", t.GatewayResponse) {
			part(yield, partClientWrite, t.ClientWrite)
		}
	}
}

func (x *Exchange) attemptName(i int) string {
	if len(x.Attempts) == 1 {
		return "upstream "
	}
	return "attempt " + strconv.Itoa(i+1) + " "
}

func (a *Attempt) parts(prefix string, yield func(Part) bool) bool {
	return part(yield, prefix+"connect", a.Connect) && part(yield, prefix+"tls", a.TLS) &&
		part(yield, prefix+"send", a.Send) && part(yield, prefix+"wait", a.Wait) &&
		part(yield, prefix+"read", a.Read)
}

func part(yield func(Part) bool, name string, d time.Duration) bool {
	return d < 0 || yield(Part{name, d})
}
