package sts

import (
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// ParseObject is parseObject for tests: the names and the values, in their order.
func ParseObject(data []byte) (names, values []string, ok bool) {
	o, ok := parseObject(data)
	for _, m := range o {
		names, values = append(names, m.name), append(values, string(m.value))
	}
	return names, values, ok
}

// ObjectMember returns what an object says under a name, as a text and as a number of at most max.
func ObjectMember(data []byte, name string, max int64) (text string, isText bool, number int64, isNumber bool) {
	o, _ := parseObject(data)
	text, isText = o.text(name)
	number, isNumber = o.number(name, max)
	return text, isText, number, isNumber
}

// ParseList returns what a list says of a key's tokens by number and epoch: nil if they live, or an error.
func ParseList(data []byte, issuer string) (judge func(id apikey.ID, number uint16, epoch uint32) error, ok bool) {
	o, ok := parseObject(data)
	if !ok {
		return nil, false
	}
	l, ok := parseList(o, issuer)
	if !ok {
		return nil, false
	}
	return func(id apikey.ID, number uint16, epoch uint32) error {
		return l.judge(&claims{key: id, Number: number, Epoch: epoch})
	}, true
}

// ParseJWKS is parseJWKS for tests.
func ParseJWKS(data []byte, algorithm Algorithm) (map[string]any, error) {
	return parseJWKS(data, algorithm)
}

// Reserved returns the names that a key's own claims can't have in a token.
func Reserved() []string { return reserved }

// NewClock returns what a clock says for readings of the wall and of the monotonic clock, in ns.
func NewClock() func(wall, mono int64) int64 { return newClock().step }

// Skew sets the service's clock ahead.
func (s *Service) Skew(ahead time.Duration) {
	t := time.Now()
	s.clock.step(t.Add(ahead).UnixNano(), int64(t.Sub(s.clock.base)))
}
