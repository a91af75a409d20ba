package main

import (
	"fmt"
	"strings"
)

// A child says what it does, a line each: "opening" and "opened" around Open, "try create NAME" or "try
// rotate ID" before a call, "did create NAME ID KEY", "did rotate ID KEY", "did revoke ID" and "did delete ID"
// after one that returned nil, and "failed WHY" when it gives up. Each is one write of less than what a
// pipe takes as a whole.

// line is one of them. What is torn at the end of the pipe has no newline and is none.
type line struct {
	what, op      string
	name, id, key string
}

// fields says what follows each beginning.
var fields = map[string]func(*line) []*string{
	"opening":    func(*line) []*string { return nil },
	"opened":     func(*line) []*string { return nil },
	"try create": func(l *line) []*string { return []*string{&l.name} },
	"did create": func(l *line) []*string { return []*string{&l.name, &l.id, &l.key} },
	"try rotate": func(l *line) []*string { return []*string{&l.id} },
	"did rotate": func(l *line) []*string { return []*string{&l.id, &l.key} },
	"try revoke": func(l *line) []*string { return []*string{&l.id} },
	"did revoke": func(l *line) []*string { return []*string{&l.id} },
	"try delete": func(l *line) []*string { return []*string{&l.id} },
	"did delete": func(l *line) []*string { return []*string{&l.id} },
}

// parseLine reads a line with its newline. The error names what the child failed with.
func parseLine(text string) (l line, err error) {
	body, whole := strings.CutSuffix(text, "\n")
	if why, failed := strings.CutPrefix(body, "failed "); failed {
		return l, fmt.Errorf("the child failed: %s", why)
	}
	words := strings.Split(body, " ")
	n := min(len(words), 2)
	into := fields[strings.Join(words[:n], " ")]
	if !whole || into == nil || len(into(&l)) != len(words)-n {
		return l, fmt.Errorf("the child says %.20q", text) // and no key that may follow
	}
	for i, field := range into(&l) {
		if *field = words[n+i]; *field == "" {
			return l, fmt.Errorf("the child says %.20q", text)
		}
	}
	l.what = words[0]
	if n == 2 {
		l.op = words[1]
	}
	return l, nil
}

func (l line) String() string {
	words := []string{l.what}
	if l.op != "" {
		words = append(words, l.op)
	}
	for _, field := range fields[strings.Join(words, " ")](&l) {
		words = append(words, *field)
	}
	return strings.Join(words, " ") + "\n"
}
