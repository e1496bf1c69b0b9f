package value

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written as 512MiB, 8GiB, 20MB or a plain number.
type Size int64

// Bytes gives the number of bytes.
func (s Size) Bytes() int64 { return int64(s) }

// sizeUnits are tried in order, so that "B" comes after what ends in it.
func sizeUnits() []struct {
	suffix string
	bytes  int64
} {
	return []struct {
		suffix string
		bytes  int64
	}{
		{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
		{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
		{"B", 1}, {"", 1},
	}
}

// SetText reads a size.
func (s *Size) SetText(text string) error {
	for _, u := range sizeUnits() {
		digits, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not a size", text)
		}
		if n < 0 {
			return errors.New("is negative")
		}
		if n > math.MaxInt64/u.bytes {
			return errors.New("is too large")
		}
		*s = Size(n * u.bytes)
		return nil
	}
	return fmt.Errorf("%q is not a size", text)
}

// Expected says how a size is written.
func (s *Size) Expected() string { return "a size such as 512MiB or 8GiB" }

// String writes the size with the largest binary unit that divides it.
func (s Size) String() string {
	units := sizeUnits()
	for _, u := range []int{3, 2, 1, 0} {
		if s != 0 && int64(s)%units[u].bytes == 0 {
			return strconv.FormatInt(int64(s)/units[u].bytes, 10) + units[u].suffix
		}
	}
	return strconv.FormatInt(int64(s), 10)
}
