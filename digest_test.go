package apikey_test

import (
	"encoding/hex"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

// The vectors of the authors' reference implementation (vectors_sip128): the key is 0, 1, …, 15 and the message
// 0, 1, …, as long as is said.
func TestDigestIsSipHash(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		0:  "a3817f04ba25a8e66df67214c7550293",
		1:  "da87c1d86b99af44347659119b22fc45",
		2:  "8177228da4a45dc7fca38bdef60affe4",
		3:  "9c70b60c5267a94e5f33b6b02985ed51",
		4:  "f88164c12d9c8faf7d0f6e7c7bcd5579",
		5:  "1368875980776f8854527a07690e9627",
		6:  "14eeca338b208613485ea0308fd7a15e",
		7:  "a1f1ebbed8dbc153c0b84aa61ff08239",
		8:  "3b62a9ba6258f5610f83e264f31497b4",
		9:  "264499060ad9baabc47f8b02bb6d71ed",
		15: "5493e99933b0a8117e08ec0f97cfc3d9",
		16: "6ee2a4ca67b054bbfd3315bf85230577",
		31: "2939b0183223fafc1723de4f52c43d35",
		32: "7c3956ca5eeafc3e363e9d556546eb68",
		33: "77c6077146f01c32b6b69d5f4ea9ffcf",
		63: "5150d1772f50834a503e069a973fbd7c",
	} {
		got := apikey.SipHash([16]byte(ascending(0, 16)), ascending(0, n))
		if hex.EncodeToString(got[:]) != want {
			t.Errorf("%d bytes: %x, want %s", n, got, want)
		}
	}
}
