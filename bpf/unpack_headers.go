package bpf

import (
	"bytes"
	"strconv"
	"strings"
	"unsafe"

	"github.com/apisixscope/apisixscope/trace"
)

// headersOf are the headers of a request whose record has not come yet.
type headersOf struct {
	request uint64
	headers *trace.Headers
}

// headersFrom takes the heads of a record; data is what follows its fixed part.
func headersFrom(h *traceHeadersEvent, data []byte) *trace.Headers {
	out := &trace.Headers{}
	for i, to := range [...]*trace.Head{
		traceHeadOfHEAD_REQUEST:           &out.Request,
		traceHeadOfHEAD_UPSTREAM_REQUEST:  &out.UpstreamRequest,
		traceHeadOfHEAD_UPSTREAM_RESPONSE: &out.UpstreamResponse,
		traceHeadOfHEAD_RESPONSE:          &out.Response,
	} {
		if h.Heads[i].Seen == 0 {
			continue
		}
		to.Seen, to.Cut = true, int(h.Heads[i].Cut)
		which := traceHeadOf(i)
		section := sectionOf(h, data, which)
		if which == traceHeadOfHEAD_UPSTREAM_REQUEST {
			parseHead(to, section)
		} else {
			room := min(int(h.Heads[i].Fields), len(section)/int(unsafe.Sizeof(traceField{})))
			to.Fields = make([]trace.Field, 0, room+2)
			if which == traceHeadOfHEAD_RESPONSE {
				to.Fields = addResponseFields(to.Fields, h)
			}
			to.Fields = addFields(to.Fields, section)
		}
	}
	return out
}

// sectionOf returns the bytes of one head: they are in the order in which heads.bpf.c reads.
func sectionOf(h *traceHeadersEvent, data []byte, which traceHeadOf) []byte {
	for i := traceHeadOf(0); i < which; i++ {
		data = data[min(int(h.Heads[i].Len), len(data)):]
	}
	return data[:min(int(h.Heads[which].Len), len(data))]
}

// addFields reads fields: sizes, the name, a gap, the value.
func addFields(all []trace.Field, data []byte) []trace.Field {
	const size = int(unsafe.Sizeof(traceField{}))
	text := string(data) // one string, of which the others are parts
	for len(text) >= size {
		nameLen := int(text[0]) | int(text[1])<<8
		gap := int(text[2]) | int(text[3])<<8
		valueLen := int(text[4]) | int(text[5])<<8 | int(text[6])<<16
		text = text[size:]
		if len(text) < nameLen+gap+valueLen {
			break
		}
		all = append(all, trace.Field{Name: text[:nameLen], Value: text[nameLen+gap : nameLen+gap+valueLen], Set: gap == 0})
		text = text[nameLen+gap+valueLen:]
	}
	return all
}

// judgeSet takes back what a gap alone does not prove. HTTP/2's fields come in two places,
// too, and Lua has no hand in what an upstream answers.
func judgeSet(r *trace.Request) {
	unset := func(all []trace.Field) {
		for i := range all {
			all[i].Set = false
		}
	}
	unset(r.Headers.UpstreamResponse.Fields)
	if r.Stream {
		unset(r.Headers.Request.Fields)
		r.Headers.Request.Note = "HTTP/2: what a plugin has set is not told from what the client sent"
	}
}

// addResponseFields adds headers of the response that nginx does not keep in its list.
func addResponseFields(all []trace.Field, h *traceHeadersEvent) []trace.Field {
	if n := h.ContentTypeLen; n > 0 {
		all = append(all, trace.Field{Name: "Content-Type", Value: cut(h.ContentType[:], n)})
	}
	if n := int64(h.ContentLength); n >= 0 {
		all = append(all, trace.Field{Name: "Content-Length", Value: strconv.FormatInt(n, 10)})
	}
	return all
}

// parseHead reads an HTTP/1 head that nginx wrote itself: its lines end as they should. What
// was cut is left out. A body that is passed on as it comes, and gRPC's always is, has
// nginx use the chain of buffers again for what follows the head: then there is none.
func parseHead(to *trace.Head, data []byte) {
	line, data, _ := bytes.Cut(data, []byte("\r\n"))
	if !bytes.HasSuffix(line, []byte(" HTTP/1.1")) && !bytes.HasSuffix(line, []byte(" HTTP/1.0")) {
		*to = trace.Head{Note: "nginx has not kept what it sent: gRPC, or a body that is not buffered"}
		return
	}
	text := string(data)
	to.Fields = make([]trace.Field, 0, strings.Count(text, "\n"))
	for {
		line, rest, whole := strings.Cut(text, "\r\n")
		switch {
		case !whole:
			to.Cut++
			return
		case len(line) == 0:
			return
		}
		name, value, _ := strings.Cut(line, ": ")
		to.Fields = append(to.Fields, trace.Field{Name: name, Value: value})
		text = rest
	}
}
