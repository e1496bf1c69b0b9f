package config

import (
	"reflect"
	"slices"
	"strings"
)

// nearest gives the candidate that word was probably meant to be, "" when none
// is near.
func nearest(word string, candidates []string) string {
	best, bestDistance := "", max(1, len(word)/3)+1
	for _, c := range candidates {
		if d := distance(plain(word), plain(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// plain ignores what people write differently: case, dashes, underscores.
func plain(s string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(s))
}

// distance counts the letters to change, insert or drop to get from a to b.
func distance(a, b string) int {
	ra, rb := []rune(a), []rune(b)
	row := make([]int, len(rb)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range ra {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range rb {
			cost := diagonal
			if x != y {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(rb)]
}

// elsewhere finds a setting of that name in another section: listen at the top
// was meant to be server.listen.
func elsewhere(name string, t reflect.Type) string {
	for _, section := range fields(t, field{}) {
		st := t.FieldByIndex(section.index).Type
		if !isSection(st) {
			continue
		}
		for _, f := range fields(st, section) {
			if f.name == name {
				return f.path
			}
		}
	}
	return ""
}

// oneOf lists words for "expected one of …", sorted so that the text is stable.
func oneOf(words []string) Words {
	sorted := slices.Sorted(slices.Values(words))
	if len(sorted) == 1 {
		return says("config.want.one", "word", sorted[0])
	}
	return says("config.want.oneof", "words", strings.Join(sorted, ", "))
}
