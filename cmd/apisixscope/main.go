// Command apisixscope shows what a live Apache APISIX gateway does.
package main

import (
	"errors"
	"os"

	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/internal/hint"
)

// version is set by the Makefile.
var version = "unknown"

func main() {
	cmd.RunRole() // the demo runs this program again, as another one
	ctx, env := cmd.System(version)
	err := cmd.Execute(ctx, env, os.Args[1:])
	if !errors.Is(err, cmd.ErrTold) {
		hint.Print(os.Stderr, "apisixscope", err)
	}
	switch {
	case hint.IsMisuse(err):
		os.Exit(2)
	case err != nil:
		os.Exit(1)
	}
}
