package peers

import "math/rand/v2"

// order returns 0 to n-1 shuffled, 16 times, each time in another way: the same at every call,
// so that all who are compared are asked for the same keys one after the other.
func order(n int) []uint32 {
	r := rand.New(rand.NewPCG(1, 2))
	order := make([]uint32, 0, 16*n)
	for range 16 {
		for _, i := range r.Perm(n) {
			order = append(order, uint32(i))
		}
	}
	return order
}
