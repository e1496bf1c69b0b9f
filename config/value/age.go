package value

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// Age is how long something is kept, written as 36h, 90d or 2y; 0 is for ever.
type Age time.Duration

// Duration gives it in Go's terms; 0 is for ever.
func (a Age) Duration() time.Duration { return time.Duration(a) }

// ageUnit is what a letter stands for, 0 when it stands for nothing.
func ageUnit(letter byte) time.Duration {
	switch letter {
	case 'h':
		return time.Hour
	case 'd':
		return day
	case 'y':
		return year
	}
	return 0
}

// SetText reads an age.
func (a *Age) SetText(text string) error {
	if text == "0" {
		*a = 0
		return nil
	}
	wrong := fmt.Errorf("%q is not an age", text)
	if len(text) < 2 {
		return wrong
	}
	unit := ageUnit(text[len(text)-1])
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 63)
	if err != nil || unit == 0 {
		return wrong
	}
	if n > uint64(math.MaxInt64/unit) {
		return fmt.Errorf("%q is too large", text)
	}
	*a = Age(n) * Age(unit)
	return nil
}

// Expected says how an age is written.
func (a *Age) Expected() string { return "an age such as 36h, 90d or 2y; 0 for ever" }

// String writes the age with the largest unit that divides it.
func (a Age) String() string {
	for _, letter := range []byte("ydh") {
		if unit := Age(ageUnit(letter)); a != 0 && a%unit == 0 {
			return strconv.FormatInt(int64(a/unit), 10) + string(letter)
		}
	}
	if a == 0 {
		return "0"
	}
	return time.Duration(a).String()
}
