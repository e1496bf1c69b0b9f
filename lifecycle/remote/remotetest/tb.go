package remotetest

import (
	"fmt"
	"path/filepath"
	"testing"
)

// Start gives tb a Server that ends with it. Where none can run the test is
// skipped with the reason, or fails when installing a package would do.
func Start(tb testing.TB, opt Options) *Server {
	tb.Helper()
	return StartN(tb, 1, opt)[0]
}

// StartN gives tb n Servers, named node1 and so on.
func StartN(tb testing.TB, n int, opt Options) []*Server {
	tb.Helper()
	if why, fatal := Unsupported(); fatal {
		tb.Fatal(why)
	} else if why != nil {
		tb.Skip(why)
	}
	root := tb.TempDir()
	servers := make([]*Server, n)
	for i := range servers {
		name := fmt.Sprintf("node%d", i+1)
		s, err := Run(tb.Context(), filepath.Join(root, name), name, opt)
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() {
			if err := s.Close(); err != nil {
				tb.Error(err)
			}
		})
		servers[i] = s
	}
	return servers
}
