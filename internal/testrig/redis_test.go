package testrig

import (
	"bufio"
	"reflect"
	"strings"
	"testing"
)

func TestReadCommand(t *testing.T) {
	words, err := readCommand(bufio.NewReader(strings.NewReader("*2\r\n$4\r\nINCR\r\n$3\r\na:b\r\n")))
	if err != nil || !reflect.DeepEqual(words, []string{"INCR", "a:b"}) {
		t.Errorf("got %q, %v", words, err)
	}
	for _, bad := range []string{"", "PING\r\n", "*0\r\n", "*-1\r\n", "*1\r\n$99999999\r\n", "*1\r\n$4\r\nPI"} {
		if _, err := readCommand(bufio.NewReader(strings.NewReader(bad))); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}
