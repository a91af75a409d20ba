package main

import (
	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/dudect"
)

// controls are known to leak. A gate that does not see them says nothing of the rest.
func (w *world) controls() []dudect.Experiment {
	secrets := make(map[string]string)
	for _, text := range w.warm {
		secrets[text[:secretAt]] = text[secretAt:secretEnd]
	}
	same := func(text string) bool { return sameSoFar(secrets[text[:secretAt]], text[secretAt:secretEnd]) }
	return []dudect.Experiment{
		{Name: "a loop over the secret that ends early: first / last digit", Prepare: w.wrongSecret,
			Call: func(text string) { w.match = same(text) }},
		{Name: "a Verify that asks first whether there is such an id: warm / unknown", Prepare: w.forgedOf(w.warm, w.unknown),
			Call: func(text string) {
				if _, ok := secrets[text[:secretAt]]; !ok {
					w.err = apikey.ErrUnknown
					return
				}
				w.verify(text)
			}},
	}
}

// sameSoFar is how one compares strings who thinks of nothing bad.
func sameSoFar(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
