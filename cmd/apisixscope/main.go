// Command apisixscope shows what a live Apache APISIX gateway does.
package main

import (
	"os"

	"github.com/apisixscope/apisixscope/cmd"
)

// version is set by the Makefile.
var version = "unknown"

func main() {
	cmd.RunRole() // the demo runs this program again, as another one
	ctx, env := cmd.System(version)
	err := cmd.Execute(ctx, env, os.Args[1:])
	os.Exit(cmd.Report(os.Stderr, err))
}
