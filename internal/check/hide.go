package check

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// secrets hide what a file takes from the environment: the values are often credentials, and
// reports of CI are read by many.
type secrets map[string]string // what stands for a value, by value

// shortest is how many letters a value must have to be hidden wherever it turns up. A shorter
// one is no credential, and would be found in what has nothing to do with it.
const shortest = 4

func (s secrets) add(name, value string) {
	if utf8.RuneCountInString(value) >= shortest {
		s[value] = "${" + name + "}"
	}
}

// hide returns a text without the values. Of two that overlap the longer one is replaced.
func (s secrets) hide(text string) string {
	if len(s) == 0 {
		return text
	}
	values := make([]string, 0, len(s))
	for v := range s {
		values = append(values, v)
	}
	slices.SortFunc(values, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	pairs := make([]string, 0, 2*len(values))
	for _, v := range values {
		pairs = append(pairs, v, s[v])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
