package modeltest_test

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"

	"github.com/anishathalye/porcupine"

	"github.com/seed-d3a9fb6b/apikey"
)

// kind is what a call is.
type kind string

const (
	create  kind = "create"
	update  kind = "update"
	rotate  kind = "rotate"
	grace   kind = "rotate with grace"
	revoke  kind = "revoke"
	remove  kind = "delete"
	verify  kind = "verify"
	lookup  kind = "lookup"
	know    kind = "recognize"
	poll    kind = "poll"    // of the feed of a store that others write to
	silence kind = "silence" // of that feed, for longer than is trusted
	settle  kind = "settle"  // a change has reached a Verifier: see step
)

// view is what can be seen of a key.
type view struct {
	is     phase
	claims int    // the number of the update they are from
	alive  uint16 // bit n: credential n is alive
	reason int    // of the revocation
}

type phase string

const (
	absent  phase = ""
	live    phase = "live"
	revoked phase = "revoked"
	gone    phase = "gone"
)

func viewOf(k *apikey.Key) view {
	v := view{is: live}
	if k.Revoked() {
		v.is = revoked
		v.reason, _ = strconv.Atoi(k.RevocationReason())
	}
	v.claims, _ = strconv.Atoi(string(k.Claims()))
	for _, c := range k.Credentials() {
		v.alive |= 1 << c.Number
	}
	return v
}

// newest is the number of the newest credential: it is always alive.
func newest(v view) int { return bits.Len16(v.alive) - 1 }

type input struct {
	kind kind
	// n is the number of the credential presented, or what an update or a revoke writes.
	n int
	// change numbers the changes of a history.
	change int
	// atomic: nothing is remembered of a record, so a change is seen once it is stored.
	atomic bool
}

type output struct {
	err    error // one of the sentinels, or what is none and explained by nothing
	number int   // of the credential accepted
	seen   view  // if there is a Key
}

func (o output) String() string {
	if o.err != nil {
		return o.err.Error()
	}
	return fmt.Sprintf("credential %d of %v", o.number, o.seen)
}

// answer reduces what a call returned to what the model knows. A deletion returns no Key.
func answer(k *apikey.Key, err error) output {
	if invalid := new(apikey.ValidationError); errors.As(err, &invalid) && invalid.Field == "Grace" {
		return output{err: errTooMany}
	}
	if err != nil {
		for _, is := range []error{apikey.ErrUnknown, apikey.ErrRevoked, apikey.ErrNotFound, apikey.ErrRevokedKey} {
			if errors.Is(err, is) {
				return output{err: is}
			}
		}
		return output{err: err}
	}
	if k == nil {
		return output{}
	}
	return output{number: int(k.Number()), seen: viewOf(k)}
}

// errTooMany: a fifth secret would be alive.
var errTooMany = errors.New("too many secrets are alive")

// after is what a change makes of a key, and how it ends.
func (v view) after(in input) (view, error) {
	switch {
	case v.is == absent && in.kind != create, v.is == gone:
		return v, apikey.ErrNotFound
	case in.kind == remove:
		return view{is: gone}, nil
	case v.is == revoked && in.kind == revoke:
		return v, nil // the first reason stays
	case v.is == revoked:
		return v, apikey.ErrRevokedKey
	case in.kind == grace && bits.OnesCount16(v.alive) == 4:
		return v, errTooMany
	}
	switch in.kind {
	case create:
		v = view{is: live, alive: 1 << 1}
	case update:
		v.claims = in.n
	case rotate:
		v.alive = 1 << bits.Len16(v.alive)
	case grace:
		v.alive |= 1 << bits.Len16(v.alive)
	case revoke:
		v.is, v.reason = revoked, in.n
	}
	return v, nil
}

// explains reports whether a look at a key that is v ends like this.
func (v view) explains(in input, out output) bool {
	switch {
	case v.is == revoked:
		return out.err == apikey.ErrRevoked
	case v.is != live, in.kind != lookup && v.alive>>in.n&1 == 0:
		return out.err == apikey.ErrUnknown
	}
	return out.err == nil && out.number == in.n && out.seen == v
}

// version is a key from one change on.
type version struct {
	change int
	view   view
}

// step is the model. What is promised is not that a change is seen everywhere at one instant:
// between the instant at which it is stored and the one at which a Verifier is told of it, that
// Verifier may answer by either state. So a change takes two steps, at whatever instants
// between its call and its return: first it adds a version, then it settles, and from there
// on nobody sees an older one. The state is the versions that can be seen, oldest first; the
// last one is what is stored.
func step(state []version, in input, out output) (bool, []version) {
	switch in.kind {
	case verify, lookup, know:
		return slices.ContainsFunc(state, func(v version) bool { return v.view.explains(in, out) }), state
	case settle:
		at := slices.IndexFunc(state, func(v version) bool { return v.change == in.change })
		return at >= 0, state[max(at, 0):]
	}
	var last view
	if len(state) > 0 {
		last = state[len(state)-1].view
	}
	next, err := last.after(in)
	if out.err != err || err == nil && next.is != gone && out.seen != next {
		return false, state
	}
	if in.atomic {
		state = nil
	}
	return true, append(slices.Clip(state), version{in.change, next})
}

func model() porcupine.Model {
	return porcupine.Model{
		Init:  func() any { return []version(nil) },
		Equal: func(a, b any) bool { return slices.Equal(a.([]version), b.([]version)) },
		Step: func(state, in, out any) (bool, any) {
			return step(state.([]version), in.(input), out.(output))
		},
	}
}
