//go:build race

package examples_test

// buildFlags: what is started is looked at by the race detector, too.
var buildFlags = []string{"-race"}

const race = true
