//go:build !unix

package room

import "errors"

// freeBytes cannot be told here.
func freeBytes(string) (int64, error) { return 0, errors.ErrUnsupported }
