package apikey_test

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// goldenRecord, encoded, was computed by another program from the description of the encoding.
// If this fails, no record that anybody has stored can be read.
const goldenRecordHex = "0101100197a1b2c3d47e5f8a0b1c2d3e4f50610202ac020302616b04076170695f6b65790506757365725f3106034b65" +
	"7907087768617420666f720806757365725f3209034b45590a0a757365725f31004b65790b0b7b226e223a312e306532" +
	"7d0c04726561640c0577726974650d0680909282e7330e0681909282e7330f0682909282e733100683909282e7331106" +
	"6c65616b6564120561646d696e130101149e01010102035d246172676f6e32696424763d3139246d3d382c743d312c70" +
	"3d3124414141414141414141414141414141414141414141412441414141414141414141414141414141414141414141" +
	"4141414141414141414141414141414141414141410420aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" +
	"aaaaaaaaaaaaaa05028020060461626364070684909282e733090686909282e733147b010101020101035d246172676f" +
	"6e32696424763d3139246d3d382c743d312c703d31244141414141414141414141414141414141414141414124414141" +
	"414141414141414141414141414141414141414141414141414141414141414141414141414141410604656667680706" +
	"80909282e733080685909282e733150686909282e733160107103b48b8"

const tinyPHC = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// ms is an instant some milliseconds after the golden record's creation.
func ms(after int64) time.Time { return time.UnixMilli(1780000000000 + after).UTC() }

// goldenRecord has every field set.
func goldenRecord() *apikey.Record {
	return &apikey.Record{
		ID: goldenToken().ID, Version: 300,
		Prefix: "ak", Type: "api_key", Subject: "user_1", Name: "Key", Description: "what for", CreatedBy: "user_2",
		NameFold: "KEY", UniqueKey: "user_1\x00Key",
		Claims: []byte(`{"n":1.0e2}`), Scopes: []string{"read", "write"},
		CreatedAt: ms(0), UpdatedAt: ms(1), ExpiresAt: ms(2),
		RevokedAt: ms(3), RevokedReason: "leaked", RevokedBy: "admin", Disabled: true, Epoch: 7,
		Credentials: []apikey.Credential{
			{Number: 2, Kind: apikey.KindGenerated, Hash: tinyPHC, MAC: bytes.Repeat([]byte{0xaa}, 32), MACKey: 4096, Hint: "abcd", CreatedAt: ms(4), LastUsedAt: ms(6)},
			{Number: 1, Kind: apikey.KindImported, Hash: tinyPHC, Hint: "efgh", CreatedAt: ms(0), NotAfter: ms(5)},
		},
		LastUsedAt: ms(6),
	}
}

func marshal(t testing.TB, r *apikey.Record) []byte {
	t.Helper()
	data, err := r.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func unmarshal(t testing.TB, data []byte) *apikey.Record {
	t.Helper()
	r := new(apikey.Record)
	if err := r.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestGoldenRecord(t *testing.T) {
	t.Parallel()
	if got := hex.EncodeToString(marshal(t, goldenRecord())); got != goldenRecordHex {
		t.Errorf("encoded as\n%s, want\n%s", got, goldenRecordHex)
	}
	data, err := hex.DecodeString(goldenRecordHex)
	if err != nil {
		t.Fatal(err)
	}
	if got := unmarshal(t, data); !reflect.DeepEqual(got, goldenRecord()) {
		t.Errorf("decoded as\n%+v, want\n%+v", got, goldenRecord())
	}
}
