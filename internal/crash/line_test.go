package main

import "testing"

func TestLine(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"opening\n", "opened\n", "try create n\n", "did create n ak_1 ak_2\n", "try rotate ak_1\n", "did rotate ak_1 ak_2\n",
		"try revoke ak_1\n", "did revoke ak_1\n", "try delete ak_1\n", "did delete ak_1\n",
	} {
		l, err := parseLine(text)
		if err != nil || l.String() != text {
			t.Errorf("%q is read as %+v, %v", text, l, err)
		}
		for n := range len(text) {
			if l, err := parseLine(text[:n]); err == nil {
				t.Errorf("%q, torn, is read as %+v", text[:n], l)
			}
		}
	}
	for _, text := range []string{
		"\n", "did\n", "closed\n", "opened twice\n", "did create n\n", "did create n ak_1 \n", "did  create n\n", "try steal ak_1\n",
		"did revoke ak_1 ak_2\n", "did revoke\n", "did revoke \n", "failed \"the disk is full\"\n",
	} {
		if l, err := parseLine(text); err == nil {
			t.Errorf("%q is read as %+v", text, l)
		}
	}
}
