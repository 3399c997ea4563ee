package symbol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
)

// pack compresses as the config has it.
func pack(t testing.TB, c xz.WriterConfig, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := c.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sample is data that neither repeats itself all the time nor never.
func sample(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < n {
		b.Write(bytes.Repeat([]byte{byte(r.Uint32())}, 1+r.IntN(9)))
		b.WriteString("ngx_http_upstream_")
	}
	return b.Bytes()[:n]
}

func TestUnxz(t *testing.T) {
	data := sample(300_000)
	for name, c := range map[string]xz.WriterConfig{
		"crc64":       {CheckSum: xz.CRC64},
		"crc32":       {CheckSum: xz.CRC32},
		"sha256":      {CheckSum: xz.SHA256},
		"no check":    {NoCheckSum: true},
		"many blocks": {CheckSum: xz.CRC64, BlockSize: 10_001},
		"tiny window": {CheckSum: xz.CRC64, DictCap: 4096},
	} {
		t.Run(name, func(t *testing.T) {
			packed := pack(t, c, data)
			got, err := unxz(packed)
			if err != nil || !bytes.Equal(got, data) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			if _, err := unxz(packed[:len(packed)/2]); err == nil {
				t.Error("half a stream is one, too")
			}
			if c.NoCheckSum {
				return
			}
			broken := bytes.Clone(packed)
			broken[len(packed)/2] ^= 0x10
			if got, err := unxz(broken); err == nil {
				t.Errorf("a broken stream gives %d bytes", len(got))
			}
		})
	}
}

func TestUnxzAgreesWithTheTool(t *testing.T) {
	if _, err := exec.LookPath("xz"); err != nil {
		t.Skip("xz is not installed")
	}
	data := sample(100_000)
	for _, args := range []string{"-0", "-6", "-9e", "--check=none", "--check=sha256", "--block-size=7000", "-T2"} {
		cmd := exec.Command("xz", "-c", args)
		cmd.Stdin = bytes.NewReader(data)
		packed, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := unxz(packed); err != nil || !bytes.Equal(got, data) {
			t.Errorf("xz %s: %d bytes, %v", args, len(got), err)
		}
	}
}

// A section made on the spot, by the tools that distributions use.
func TestMiniDebugInfoOfTheTools(t *testing.T) {
	dir := t.TempDir()
	unpacked := filepath.Join(dir, "mini")
	for _, line := range []string{
		"objcopy -S --keep-symbol=hidden_mul " + detached + " " + unpacked,
		"xz " + unpacked,
		"objcopy --add-section .gnu_debugdata=" + unpacked + ".xz " + stripped + " " + unpacked + ".so",
	} {
		words := strings.Fields(line)
		run(t, words[0], words[1:]...)
	}
	o := openTiny(t, unpacked+".so")
	at := addresses(t)
	if got := o.Name(at["hidden_mul"].Value); got.Name != "hidden_mul" || !got.Exact {
		t.Errorf("hidden_mul is %+v", got)
	}
	if got := o.Name(at["hidden_add"].Value); got.Symbol != "" {
		t.Errorf("hidden_add, which is not in it, is %+v", got)
	}
}

func TestUnxzIsBounded(t *testing.T) {
	// A bomb of many blocks: one of 1 MiB again and again, between the header of 12
	// bytes and the index, whose size stands in the footer of 12 bytes.
	one := pack(t, xz.WriterConfig{}, make([]byte, 1<<20))
	index := len(one) - 12 - 4*(1+int(binary.LittleEndian.Uint32(one[len(one)-8:])))
	repeated := func(n int) []byte {
		return slices.Concat(one[:12], bytes.Repeat(one[12:index], n), one[index:])
	}
	bomb := repeated(maxUnpacked>>20 + 1)
	if got, err := unxz(bomb); !errors.Is(err, errTooLarge) {
		t.Errorf("a bomb of %d bytes gives %d, %v", len(bomb), len(got), err)
	}
	// The dictionary of the first block: the byte before the padding and the sum.
	greedy := pack(t, xz.WriterConfig{}, []byte("small"))
	i := bytes.Index(greedy, []byte{0x21, 0x01})
	greedy[i+2] = 40 // 4 GiB - 1
	used := allocated(func() {
		if got, err := unxz(greedy); err != nil || string(got) != "small" {
			t.Errorf("%q, %v", got, err)
		}
	})
	if used > maxUnpacked+(1<<20) {
		t.Errorf("a block that asks for 4 GiB got %d bytes", used)
	}
}

func FuzzUnxz(f *testing.F) {
	for _, c := range []xz.WriterConfig{{}, {CheckSum: xz.CRC32, BlockSize: 100}, {NoCheckSum: true}} {
		f.Add(pack(f, c, sample(500)))
	}
	if data, err := os.ReadFile(mini); err == nil {
		if i := bytes.Index(data, []byte("\xfd7zXZ")); i >= 0 {
			f.Add(data[i:])
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if out, err := unxz(data); err == nil && len(out) > maxUnpacked {
			t.Errorf("%d bytes", len(out))
		}
	})
}
