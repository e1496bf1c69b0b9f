//go:build !unix

package bundle

import "math"

// freeBytes cannot be told here; a full disk then ends the import later.
func freeBytes(string) (int64, error) { return math.MaxInt64, nil }
