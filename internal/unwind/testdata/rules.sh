#!/bin/sh
# Makes rules.so of rules.s, and rules.txt of that, with gcc and binutils on x86-64.
set -eu
cd "$(dirname "$0")"
gcc -shared -nostdlib -Wl,--build-id=none,-z,noseparate-code,--hash-style=gnu -s -o rules.so rules.s
{
	readelf --wide --debug-dump=frames-interp rules.so
	readelf --wide --debug-dump=frames rules.so
} >rules.txt
