package bpf_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// settled waits until the gateway has read all that c has sent, as far as the kernel can
// tell: nothing waits in either socket's queue.
func settled(t *testing.T, rig *testrig.Rig, c *client) {
	t.Helper()
	_, port, _ := strings.Cut(rig.Addr(), ":")
	var server int
	fmt.Sscan(port, &server)
	eventually(t, "the gateway has read what was sent", func() bool {
		f, err := os.Open("/proc/net/tcp")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		there := false
		for lines := bufio.NewScanner(f); lines.Scan(); {
			// sl, local, remote, state, tx_queue:rx_queue, ...
			fields := strings.Fields(lines.Text())
			local, remote := fmt.Sprintf(":%04X", server), fmt.Sprintf(":%04X", c.port())
			if len(fields) < 10 || !strings.HasSuffix(fields[1], local) || !strings.HasSuffix(fields[2], remote) {
				continue
			}
			// Before accept the socket has no inode.
			there = fields[4] == "00000000:00000000" && fields[9] != "0"
		}
		return there
	})
}
