package logs

import (
	"reflect"
	"time"
)

// Fields are what a log line says of a request in single values. Their names, which are in
// the tags, are those of --where and of templates. Text is empty, and a number 0, where
// there is none or it was not seen.
type Fields struct {
	Time  time.Time `expr:"time" doc:"when nginx logged it"`
	Start time.Time `expr:"start" doc:"when the request began"`

	Client     string `expr:"client" doc:"the client's address ($remote_addr)"`
	ClientPort int    `expr:"client_port" doc:"its port"`
	User       string `expr:"user" doc:"the user of basic authentication ($remote_user)"`

	Method   string `expr:"method" doc:"the request method"`
	Scheme   string `expr:"scheme" doc:"http or https"`
	Host     string `expr:"host" doc:"the host that was asked for, without port"`
	Path     string `expr:"path" doc:"the path, without the query"`
	Query    string `expr:"query" doc:"the query, as sent"`
	URI      string `expr:"uri" doc:"path and query, as sent ($request_uri)"`
	Protocol string `expr:"protocol" doc:"1.0, 1.1 or 2"`

	Status int    `expr:"status" doc:"the status ($status): 499 for a client that has gone; 0 for no response"`
	Source string `expr:"source" doc:"who made the response: apisix, nginx, upstream or unknown"`
	Reason string `expr:"reason" doc:"why, in words"`
	Error  string `expr:"error" doc:"the kind of failure, such as timeout or connection_refused"`
	GaveUp string `expr:"gave_up" doc:"who ended it before its time: client, gateway or upstream"`

	RequestTime  time.Duration `expr:"request_time" doc:"first to last byte ($request_time)"`
	GatewayTime  time.Duration `expr:"gateway_time" doc:"of it, what was not spent on upstream nodes"`
	UpstreamTime time.Duration `expr:"upstream_time" doc:"the sum of $upstream_response_time over the attempts"`

	Upstream       string `expr:"upstream" doc:"the node that was tried last"`
	Upstreams      string `expr:"upstreams" doc:"all of them ($upstream_addr)"`
	UpstreamStatus int    `expr:"upstream_status" doc:"what that node answered"`
	Attempts       int    `expr:"attempts" doc:"how many times a node was tried"`

	BytesSent   int `expr:"bytes_sent" doc:"to the client ($bytes_sent)"`
	BodySent    int `expr:"body_sent" doc:"of it, the body ($body_bytes_sent)"`
	RequestSize int `expr:"request_size" doc:"of the request, head and body ($request_length)"`

	Referer   string `expr:"referer" doc:"the header Referer"`
	UserAgent string `expr:"user_agent" doc:"the header User-Agent"`
	RequestID string `expr:"request_id" doc:"the id that APISIX gave it"`

	Route       string `expr:"route" doc:"the route's id"`
	RouteName   string `expr:"route_name" doc:"the route's name"`
	Service     string `expr:"service" doc:"the service's id"`
	ServiceName string `expr:"service_name" doc:"the service's name"`
	Consumer    string `expr:"consumer" doc:"the consumer's name"`
	Plugin      string `expr:"plugin" doc:"the plugin that ended the request"`
	Worker      int    `expr:"worker" doc:"the process id of nginx's worker"`
}

// Functions are what --where and templates can ask for a header; the argument is its name
// in any case. Values of a header that came several times are joined by ", ".
type Functions struct {
	Header                 func(string) string `expr:"header" doc:"of the request"`
	ResponseHeader         func(string) string `expr:"response_header" doc:"of the response to the client"`
	UpstreamHeader         func(string) string `expr:"upstream_header" doc:"of the request to the node"`
	UpstreamResponseHeader func(string) string `expr:"upstream_response_header" doc:"of the node's response"`
}

// Field tells of one of Fields or Functions.
type Field struct {
	Name string
	Type string // "text", "number", "duration", "time" or "function"
	Doc  string
	Go   string // the name of the struct's field
}

// FieldList returns what Fields has, in order.
func FieldList() []Field { return describe(reflect.TypeFor[Fields]()) }

// FunctionList returns what Functions has, in order.
func FunctionList() []Field { return describe(reflect.TypeFor[Functions]()) }

func describe(t reflect.Type) []Field {
	var all []Field
	for f := range t.Fields() {
		kind := "number"
		switch {
		case f.Type == reflect.TypeFor[time.Time]():
			kind = "time"
		case f.Type == reflect.TypeFor[time.Duration]():
			kind = "duration"
		case f.Type.Kind() == reflect.String:
			kind = "text"
		case f.Type.Kind() == reflect.Func:
			kind = "function"
		}
		all = append(all, Field{Name: f.Tag.Get("expr"), Type: kind, Doc: f.Tag.Get("doc"), Go: f.Name})
	}
	return all
}
