package main

import "time"

// What the processes say to each other over pipes, as lines of JSON. The first line to a verifier is its settings, all others
// are orders. A verifier whose pipe is closed ends.

// settings are what a verifier needs to know. The DSN comes this way since arguments and the environment of a process are
// easily seen, and there may be a password in it.
type settings struct {
	DSN       string
	Schema    string
	NoListen  bool
	Poll      time.Duration
	Staleness time.Duration
	Every     time.Duration
}

// order is for a verifier.
type order struct {
	Key    int
	Text   string `json:",omitempty"` // of Key, which is to be verified from now on
	Finish bool   `json:",omitempty"` // tell the totals, and end
}

// event is what a verifier tells.
type event struct {
	Kind   kind
	Key    int
	Totals totals `json:",omitzero"`
	Error  string `json:",omitempty"`
}

type kind string

const (
	ready   kind = "ready"
	warm    kind = "warm"    // Key is in the memory of this process
	refused kind = "refused" // Key is refused for the first time
	done    kind = "done"
	failed  kind = "failed" // Error is why
)

// refusal is when a process stopped to accept a key, in nanoseconds since 1970. All processes are on one machine, whose
// clock they share.
type refusal struct {
	Accepted int64 // when the last call of Verify that accepted it began
	Refused  int64 // when the first that refused it had returned
}

// totals are what a verifier has done.
type totals struct {
	Calls, Warm, Reads uint64
	Refusals           map[int]refusal // of all keys, as they are in the end
}
