package gateway

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseVersion(t *testing.T) {
	tests := []struct {
		name, rodata string
		want         Version
		text         string
	}{
		{
			"debian", "x\x00nginx version: nginx/1.22.1\n\x00configure arguments: --with-cc-opt='-g -O2' --with-compat\n\x00y",
			Version{Nginx: "1.22.1", ConfigureArgs: []string{"--with-cc-opt=-g -O2", "--with-compat"}, Compat: true}, "nginx 1.22.1",
		},
		{
			"openresty", "nginx version: openresty/1.27.1.2 (x)\nconfigure arguments: --with-compat",
			Version{Nginx: "1.27.1", OpenResty: "1.27.1.2", ConfigureArgs: []string{"--with-compat"}, Compat: true}, "openresty 1.27.1.2",
		},
		{"renamed", "nginx version: acme/1.22.1", Version{}, "nginx of unknown version"},
		{"empty", "", Version{}, "nginx of unknown version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := parseVersion([]byte(tt.rodata))
			if !reflect.DeepEqual(got, tt.want) || got.String() != tt.text {
				t.Fatalf("got %+v (%s): want %+v (%s)", got, got, tt.want, tt.text)
			}
		})
	}
}

func TestPCRE(t *testing.T) {
	for args, want := range map[string]bool{
		"":                              true,
		"--without-pcre":                false,
		"--without-http_rewrite_module": false,
		"--without-http_rewrite_module --with-pcre-jit": true,
	} {
		if got := (Version{ConfigureArgs: splitArgs(args)}).pcre(); got != want {
			t.Errorf("pcre with %q is %v", args, got)
		}
	}
}

func TestRoleOf(t *testing.T) {
	for title, want := range map[string]Role{
		"nginx: worker process":                  RoleWorker,
		"nginx: worker process is shutting down": RoleDraining,
		"nginx: cache manager process":           RoleCacheManager,
		"nginx: cache loader process":            RoleCacheLoader,
		"nginx: privileged agent process":        RolePrivilegedAgent,
		"nginx: master process openresty -p /x":  RoleWorker, // a child just forked
		"openresty -p /x":                        RoleWorker,
		"":                                       RoleWorker,
	} {
		if got := roleOf(title); got != want {
			t.Errorf("role of %q is %s: want %s", title, got, want)
		}
	}
}

func TestParseStat(t *testing.T) {
	const stat = "4131 (a) b (c) S 77 4131 70 0 -1 4194624 1 2 3 4 5 6 7 8 20 0 1 0 12345 1000 200 18446744073709551615 1 2 140720000000000 0 0"
	p, since, err := parseStat([]byte(stat))
	if err != nil {
		t.Fatal(err)
	}
	if p.parent != 77 || p.session != 70 || p.stack != 140720000000000 || since != 123450*time.Millisecond {
		t.Fatalf("got %+v since %v", p, since)
	}
	for _, bad := range []string{"", "1 (x", "1 (x) S 1", strings.Replace(stat, " S ", " Z ", 1), strings.Replace(stat, "77", "?", 1)} {
		if _, _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestParseTitle(t *testing.T) {
	if got := parseTitle([]byte("nginx: worker process\x00\x00\x00\x00")); got != "nginx: worker process" {
		t.Errorf("got %q", got)
	}
	if got := parseTitle([]byte("nginx\x00-c\x00a\x00")); got != "nginx -c a" {
		t.Errorf("got %q", got)
	}
}

func TestParseHexAddr(t *testing.T) {
	for in, want := range map[string]string{
		"0100007F:1F90":                         "127.0.0.1:8080",
		"00000000000000000000000000000000:0050": "[::]:80",
		"0000000000000000FFFF00000100007F:0050": "127.0.0.1:80",
		"B80D01200000000000000000010000FE:01BB": "[2001:db8::fe00:1]:443",
	} {
		if got, err := parseHexAddr(in); err != nil || got != netip.MustParseAddrPort(want) {
			t.Errorf("%s is %v, %v: want %s", in, got, err, want)
		}
	}
	for _, bad := range []string{"", "0100007F", "0100007F:", "xx:1", "01:0050", "0100007F:FFFFF"} {
		if _, err := parseHexAddr(bad); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

const netTCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1 0 100 0 0 10 0
   1: 0200000A:9C40 0300000A:0050 01 00000000:00000000 02:00000000 00000000     0        0 102 2 0 20 4 30 10 -1
   2: 0200000A:9C41 0300000A:0051 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0
`

func TestParseSockets(t *testing.T) {
	rows, err := parseSockets(strings.NewReader(netTCP), tcpListen)
	if err != nil || len(rows) != 1 || rows[0].local.String() != "0.0.0.0:8080" || rows[0].inode != 101 {
		t.Errorf("listening: %v, %v", rows, err)
	}
	rows, err = parseSockets(strings.NewReader(netTCP), tcpEstablished)
	if err != nil || len(rows) != 1 || rows[0].remote.String() != "10.0.0.3:80" || rows[0].inode != 102 {
		t.Errorf("established: %v, %v", rows, err)
	}
	if _, err := parseSockets(strings.NewReader("head\n 0: x\n"), tcpListen); err == nil {
		t.Error("no error for a short line")
	}
}

func TestParseLocalAddrs(t *testing.T) {
	addrs := map[netip.Addr]bool{}
	parseFibTrie(strings.NewReader(`Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.0.0.0
        /24 link UNICAST
Local:
     +-- 10.0.0.0/24 2 0 2
        |-- 10.0.0.2
           /32 host LOCAL
        |-- 10.0.0.255
           /32 link BROADCAST
`), addrs)
	parseIfInet6(strings.NewReader(`00000000000000000000000000000001 01 80 10 80       lo
fe800000000000000000000000000001 02 40 20 80     eth0
20010db8000000000000000000000002 02 40 00 80     eth0
bad
`), addrs)
	want := map[netip.Addr]bool{
		netip.MustParseAddr("10.0.0.2"):    true,
		netip.MustParseAddr("::1"):         true,
		netip.MustParseAddr("2001:db8::2"): true,
	}
	if !reflect.DeepEqual(addrs, want) {
		t.Errorf("got %v: want %v", addrs, want)
	}
}

func TestCodeMappings(t *testing.T) {
	got := codeMappings(strings.NewReader(`5600-5700 r--p 00000000 fe:00 11 /usr/sbin/nginx
5700-5800 r-xp 00001000 fe:00 11 /usr/sbin/nginx
5800-5900 r-xp 00001000 fe:00 11 /usr/sbin/nginx
7000-7100 r-xp 00001000 fe:00 22 /opt/a b/lua.so (deleted)
7fff-8000 r-xp 00000000 00:00 0 [vdso]
`))
	want := []mapping{{"5700-5800", 11, "/usr/sbin/nginx"}, {"7000-7100", 22, "/opt/a b/lua.so"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v: want %v", got, want)
	}
}
