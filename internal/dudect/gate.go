package dudect

// Gate decides by several runs. A burst of noise in one is no failure, and a leak is: it would have to hide in InARow
// runs one after the other, each on new inputs.
type Gate struct {
	T      float64 // what |t| must be below
	InARow int     // runs, one after the other, that must be below
	Tries  int     // runs at most
}

// Holds runs until InARow results in succession are below the gate, or can't be any more.
func (g Gate) Holds(run func() Result) (ok bool, results []Result) {
	below := 0
	for below < g.InARow && len(results)+g.InARow-below <= g.Tries {
		r := run()
		results = append(results, r)
		if below++; !g.below(r) {
			below = 0
		}
	}
	return below == g.InARow, results
}

// Breaks is for a function that is known to leak: InARow runs, and not one is below the gate. Else a gate that holds
// would say nothing on this machine.
func (g Gate) Breaks(run func() Result) (ok bool, results []Result) {
	ok = true
	for range g.InARow {
		r := run()
		results = append(results, r)
		ok = ok && !g.below(r)
	}
	return ok, results
}

// below: a test that had too few times to say anything has not passed.
func (g Gate) below(r Result) bool { return r.Kept > 0 && r.T < g.T }
