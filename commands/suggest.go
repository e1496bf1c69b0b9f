package commands

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// distance is Damerau-Levenshtein on runes (restricted: no edit between two
// letters that were swapped): how many slips turn a into b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}

// tolerance is how many slips a word may have and still be meant.
func tolerance(word string) int {
	switch n := utf8.RuneCountInString(word); {
	case n <= 1:
		return 0
	case n <= 4:
		return 1
	case n <= 7:
		return 2
	}
	return 3
}

// far is a distance beyond any tolerance.
const far = 1 << 10

// maxSuggest bounds the words that are compared: nobody means a command by a
// word of a hundred letters, and comparing is quadratic.
const maxSuggest = 100

// slips is the distance of a typed word to the nearest form of w, far when it is
// not meant. A word that was not finished is near.
func slips(word string, w Word) int {
	best := far
	word = strings.ToLower(word)
	if len(word) > maxSuggest {
		return best
	}
	for _, form := range w.forms() {
		d := distance(word, form)
		if utf8.RuneCountInString(word) >= 2 && strings.HasPrefix(form, word) {
			d = min(d, 1)
		}
		if d <= max(tolerance(word), tolerance(form)) && d < utf8.RuneCountInString(form) {
			best = min(best, d)
		}
	}
	return best
}

// nearestWords gives up to limit words that the person may have meant, nearest
// first.
func nearestWords(word string, among []Word, limit int) []Word {
	return nearest(among, limit, func(w Word) int { return slips(word, w) })
}

// nearest gives up to limit of among with the smallest distance below far; what
// is much farther than the first is left out.
func nearest[E any](among []E, limit int, slipsTo func(E) int) []E {
	type scored struct {
		e E
		d int
	}
	var near []scored
	for _, e := range among {
		if d := slipsTo(e); d < far {
			near = append(near, scored{e, d})
		}
	}
	slices.SortStableFunc(near, func(a, b scored) int { return cmp.Compare(a.d, b.d) })
	var out []E
	for _, s := range near[:min(limit, len(near))] {
		if s.d <= near[0].d+2 {
			out = append(out, s.e)
		}
	}
	return out
}
