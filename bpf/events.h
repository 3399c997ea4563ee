/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The records that cross the ring buffer. Written by *.bpf.c, read by decode.go.
 * Times are CLOCK_MONOTONIC nanoseconds; 0 means "was not seen".
 */
#ifndef EVENTS_H
#define EVENTS_H

enum event_kind {
	EVENT_REQUEST = 1, /* request_event: nginx has finished a request */
	EVENT_MESSAGE = 2, /* message_event: a message began at a socket */
	EVENT_CLOSE = 3,   /* close_event: a socket was closed */
	EVENT_PROCESS = 4, /* process_event: a target was forked or has exited */
	EVENT_HEADERS = 5, /* headers_event: of the request_event that follows */
};

enum side {
	SIDE_IGNORED = 0, /* not TCP: a file, a pipe, a UNIX or UDP socket */
	SIDE_ACCEPTED = 1,
	SIDE_CONNECTED = 2,
};

enum direction {
	DIRECTION_IN = 0,
	DIRECTION_OUT = 1,
	DIRECTION_NONE = 2,
};

/* Is a message the first that is told of its exchange? */
enum starts {
	STARTS_NOT = 0,
	STARTS_EXCHANGE = 1,
	STARTS_JOINED = 2, /* yes, and before is the request, of which no record told */
};

/* How the owner of an outgoing exchange was found. */
enum owner_how {
	OWNER_NONE = 0,
	OWNER_TICK = 1,	   /* the socket last read in this event-loop tick */
	OWNER_UPSTREAM = 2, /* request object: pc is &r->upstream->peer */
	OWNER_COSOCKET = 3, /* request object: pc is a Lua cosocket's of r */
	OWNER_SUBREQUEST = 4, /* request object: as UPSTREAM, r being a subrequest */
	OWNER_LUA = 5,	   /* the Lua thread that runs now is r's */
	OWNER_PEER = 6,	   /* r ran Lua last, and r->upstream->peer has this very socket */
	OWNER_SUBPEER = 7, /* as PEER, r being a subrequest */
};

/* Why a record or a fact could not be kept; index of the map losses. */
enum loss {
	LOSS_REQUESTS = 0, /* request_event: ring buffer full */
	LOSS_MESSAGES = 1, /* message_event, close_event: ring buffer full */
	LOSS_PROCESSES = 2, /* process_event: ring buffer full */
	LOSS_SOCKETS = 3, /* a map of sockets full */
	LOSS_TAILS = 4,	  /* map of open tails full */
	LOSS_LAYOUT = 5,  /* request objects that did not look like one */
	LOSS_TARGETS = 6, /* map of targets full: a process is not watched */
	LOSS_SEEN_REQUESTS = 7, /* not a loss: request objects that did */
	LOSS_TICK_OWNERS = 8,	/* not a loss: exchanges whose owner is not proved */
	LOSS_HEADERS = 9, /* headers_event: ring buffer full, or too many workers */
	LOSS_OTHER_ROUTE = 10, /* not losses: requests that a filter removed here */
	LOSS_OTHER_SERVICE = 11,
	LOSS_OTHER_CONSUMER = 12,
	LOSS_CAUSES = 13,
};

#define HEAD_MAX 8192
#define HEAD_USUAL 1024 /* where nobody asks for bodies */
#define LINE_MAX_LEN 2048
#define HOST_MAX 128
#define HEADER_MAX 96
#define PEER_MAX 48
#define ATTEMPTS_MAX 16
#define WANTED_MAX 4
#define ID_MAX_LEN 128
#define NAME_MAX_LEN 400 /* of route and service: 100 characters */
#define NAME_AT_ONCE 44
#define NAME_NUMBER 0x80000000
#define PLUGIN_MAX 32
#define LOGGED_MAX 512 /* of most strings that are logged */
/* Room for ATTEMPTS_MAX attempts and all strings, and once more the longest of these, so that
 * the verifier sees each copy end inside. */
#define REQUEST_DATA 14848

struct address {
	u8 ip[16]; /* IPv4 as ::ffff:a.b.c.d */
	u16 port;  /* host order */
	u16 pad;
};

/* One direction of one exchange at a socket. */
struct flow {
	u64 began; /* first byte: entry of the write, exit of the read */
	u64 ended; /* last byte */
	u64 turned; /* first byte since the other direction last had its turn */
	u64 bytes;
	u32 calls;
	u32 seq; /* TCP sequence number of the first byte */
};

/* A socket of a watched process, and its life so far. */
struct conn {
	u64 socket; /* names it; not used twice */
	u64 opened; /* connect or accept */
	u64 established;
	u32 pid;
	s32 fd;
	struct address local;
	struct address remote;
	u8 asked[8]; /* a worker's first bytes of the first request: TLS, or what else? */
	u8 side;
	u8 worker; /* 1: of the gateway; 0: of an upstream's process */
	u8 pad[6];
};

/* An exchange at a client's socket, as the owner of what follows from it. */
struct owner {
	u64 socket;
	u64 request; /* ngx_http_request_t *, where that is known */
	u32 exchange;
	u32 how; /* enum owner_how */
};

struct message_event {
	u32 kind;
	u32 exchange;
	struct conn conn;
	struct owner owner;
	u64 tick; /* when the event-loop tick began */
	struct flow flow; /* of this message, as far as it was seen */
	struct flow before; /* the whole message before it */
	u8 direction;
	u8 starts; /* enum starts */
	u16 pad;
	u32 head_len;
	u8 plugin[PLUGIN_MAX]; /* that ran for the owner when the exchange began */
	/* The last thing in the record: only head_len bytes are sent. Twice
	 * HEAD_MAX, so that the verifier sees each copy end inside. */
	u8 head[2 * HEAD_MAX];
};

struct close_event {
	u32 kind;
	u32 exchange;
	struct conn conn;
	struct owner owner;
	u64 time;
	u64 tick;
	u64 peer_closed; /* the peer's FIN arrived */
	u64 failed;	 /* when error was seen */
	s32 error;	 /* errno of the socket, else 0 */
	s32 connect_error; /* what connect(2) itself returned, else 0 */
	struct flow in;
	struct flow out;
	u8 plugin[PLUGIN_MAX]; /* as in message_event */
};

struct process_event {
	u32 kind;
	u32 pid;
	u64 time;
	u32 parent;
	u32 exited; /* 0: was forked */
	s32 exit_code; /* as in wait(2) */
	u32 pad;
};

/* ngx_http_upstream_state_t; times in ms, -1 means never. One without a peer is no attempt:
 * nginx has it between two upstreams, or the balancer failed. */
struct attempt {
	u64 status;
	u64 response_time;
	u64 connect_time;
	u64 header_time;
	u64 bytes_received;
	u64 bytes_sent;
	u32 peer_len;
	u32 redirected; /* 1: an internal redirect led to it */
	u8 peer[PEER_MAX];
};

/* How far nginx came with a request; see phases.bpf.c. */
enum phase {
	PHASE_PROCESS = 0,  /* the head is read, the phases begin */
	PHASE_ACCESS = 1,   /* Lua's access handler: APISIX's router and most plugins */
	PHASE_UPSTREAM = 2, /* proxying begins */
	PHASE_RESPONSE = 3, /* the response's head is made */
	PHASES = 4,
};

struct phases {
	u64 began[PHASES]; /* 0: it did not come so far */
	u64 lua;	   /* ns for which Lua ran */
};

/* Fields of APISIX's api_ctx, see names.bpf.c. */
enum name {
	NAME_ROUTE_ID = 0,
	NAME_ROUTE_NAME = 1,
	NAME_SERVICE_ID = 2,
	NAME_SERVICE_NAME = 3,
	NAME_CONSUMER = 4,
	NAME_UPSTREAM = 5,
	NAME_BALANCER_IP = 6,
	NAME_BALANCER_PORT = 7,
	NAME_TRIES = 8,
	NAME_REQUEST_ID = 9,
	NAME_PLUGIN = 10,
	NAMES = 11,
};

enum names_how {
	NAMES_UNREAD = 0,
	NAMES_READ = 1,
	NAMES_ABSENT = 2, /* the request has no api_ctx */
};

/* Strings that nginx's access log has, in the order of the record; see logged.bpf.c. */
enum logged_string {
	LOGGED_ADDR = 0,
	LOGGED_HOST = 1,
	LOGGED_REFERER = 2,
	LOGGED_USER_AGENT = 3,
	LOGGED_USER = 4, /* Authorization, or with LOGGED_USER_KNOWN the user */
	LOGGED_UPSTREAM_SCHEME = 5,
	LOGGED_UPSTREAM_HOST = 6,
	LOGGED_UPSTREAM_URI = 7,
	LOGGED_REQUEST_ID = 8,
	VARIABLES = 9,
	LOGGED_UNPARSED = 9, /* where there is no request line: what came instead of one */
	LOGGED_STRINGS = 10,
};

#define LOGGED_ABSENT 0xffffffff /* the length of what is not there */

enum logged_flags {
	LOGGED_TIMED_OUT = 1, /* ngx_connection_t.timedout: the client was too slow */
	LOGGED_FAILED = 2,    /* ngx_connection_t.error: its connection failed */
	LOGGED_USER_KNOWN = 4, /* nginx has found the user itself */
};

struct logged {
	u64 sec, msec; /* ngx_cached_time */
	u64 gmtoff;    /* minutes, signed */
	u64 sent, header_size;
	u64 err_status;
	s64 rc;	   /* with which nginx ended the request */
	u32 flags; /* enum logged_flags */
	u32 port;  /* of the client */
	u32 len[LOGGED_STRINGS];
};

struct request_event {
	u32 kind;
	u32 pid;
	u64 time;
	u64 request;  /* ngx_http_request_t * */
	u64 upstream; /* r->upstream */
	u64 start_sec;
	u64 start_msec;
	u64 request_length;
	u64 connection_requests; /* this is the n-th request of the connection */
	u64 ssl; /* not 0: TLS */
	u64 stream; /* not 0: an HTTP/2 stream */
	u64 http_version; /* 9, 1000, 1001, 2000, 3000 */
	u32 status;
	s32 fd;
	/* The client's socket, when we know it. */
	u64 socket;
	u64 tick;
	u64 peer_closed;
	u64 failed;
	s32 error;
	u32 exchange;
	struct flow in;
	struct flow out;
	struct address local;
	struct address remote;
	struct phases phases; /* zero unless asked for */
	u32 no_lua;	   /* 1: a 400 that Lua never saw */
	u32 attempts_len;  /* how many there were */
	u32 attempts_kept; /* how many of nginx's records are here */
	u32 line_len;	   /* true lengths: of more than LINE_MAX_LEN bytes, so many are here */
	u32 host_len;
	u32 header_len[WANTED_MAX];
	u32 names; /* enum names_how */
	struct logged logged; /* zero unless asked for */
	/* The last thing in the record, as long as need be: attempts_kept records, the line,
	 * the host, the values of the wanted headers; the names, if they were read; the
	 * strings of logged. */
	u8 data[REQUEST_DATA];
};

/* The header sections on a request's way. */
enum head_of {
	HEAD_REQUEST = 0,
	HEAD_UPSTREAM_REQUEST = 1, /* as bytes, request line first; the others are of fields */
	HEAD_UPSTREAM_RESPONSE = 2,
	HEAD_RESPONSE = 3,
	HEADS = 4,
};

#define HEAD_SECTION_MAX 8192
#define HEAD_FIELDS_MAX 64
#define FIELD_NAME_MAX 256
#define FIELD_VALUE_MAX 4096
#define FIELD_GAP_MAX 256
#define LIST_PART 20 /* elements in a part of nginx's lists, at most */

/* A header: the name, gap bytes, the value. */
struct field {
	u16 name_len;
	u16 gap;
	u32 value_len;
};

struct head {
	u32 len;    /* bytes of it in data */
	u32 fields; /* how many they are */
	u32 cut;    /* how many had no room */
	u32 seen;   /* 0: there is no such head */
};

struct headers_event {
	u32 kind;
	u32 pid;
	u64 request;
	u64 content_length; /* of the response, signed; nginx does not keep it in the list */
	struct head heads[HEADS];
	u32 fill; /* of data */
	u32 content_type_len;
	u8 content_type[128];
	/* The last thing in the record, as long as need be. Longer by what the verifier must
	 * see each copy end in. */
	u8 data[(HEADS + 1) * HEAD_SECTION_MAX];
};

_Static_assert(sizeof(struct flow) == 40, "flow has padding");
_Static_assert(sizeof(struct address) == 20, "address has padding");
_Static_assert(sizeof(struct conn) == 88, "conn has padding");
_Static_assert(sizeof(struct message_event) == 248 + 2 * HEAD_MAX, "message_event changed: see decode.go");
_Static_assert(sizeof(struct close_event) == 272, "close_event changed: see decode.go");
_Static_assert(sizeof(struct process_event) == 32, "process_event changed: see decode.go");
_Static_assert(ATTEMPTS_MAX * sizeof(struct attempt) + 3 * LINE_MAX_LEN + HOST_MAX + WANTED_MAX * HEADER_MAX +
			       NAMES * (4 + ID_MAX_LEN) + 2 * NAME_MAX_LEN + (LOGGED_STRINGS - 2) * LOGGED_MAX <=
		       REQUEST_DATA,
	       "the data of a request_event may not fit");
_Static_assert(sizeof(struct logged) == 104, "logged changed: see decode.go");
_Static_assert(sizeof(struct attempt) == 104, "attempt changed: see decode.go");

#endif
