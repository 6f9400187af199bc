// Go's net/http in the interop matrix: "interop serve [CERT KEY]" or "interop CELL URL [AUTHORITY]"; ../README.md has the cells.
package main

import (
	"fmt"
	"os"
)

func main() {
	args := os.Args[1:]
	var err error
	switch {
	case len(args) > 0 && args[0] == "serve":
		err = serve(args[1:])
	case len(args) > 1:
		err = ask(args[0], args[1], args[2:])
	default:
		err = fmt.Errorf("usage: interop serve [CERT KEY] | CELL URL [AUTHORITY]")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

const big = 10 << 20

// pattern is what every program here makes and checks: octet i is i ^ i>>8 ^ i>>16.
func pattern(octets int) []byte {
	made := make([]byte, octets)
	for i := range made {
		made[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return made
}
