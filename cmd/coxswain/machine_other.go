//go:build !linux

package main

import "errors"

// freeBytes cannot be told here.
func freeBytes(string) (int64, error) { return 0, errors.ErrUnsupported }

// clockSynchronised cannot be told here.
func clockSynchronised() (synchronised, known bool) { return false, false }
