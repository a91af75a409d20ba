package promises

var (
	RefusedCheaply = refusedCheaply
	Count          = count
)
