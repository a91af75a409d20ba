package apikey_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// E8, CVE-2020-36567: what a client called itself had line breaks in it, and wrote lines of the log. And a name that is shown
// by others (CVE-2025-48495) is a text without control characters, in each field that a client can set.
func TestCVE_2020_36567_NoFieldForgesLines(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
	key, _ := newKey(t, issuer, apikey.CreateParams{})
	for _, evil := range []string{"a\nlevel=INFO msg=\"key created\"", "a\r\nb", "a\rb", "a\x00b", "a\x1b]0;title\x07", "a\u0085b", "a\u009bb"} {
		for _, f := range textFields {
			p := valid()
			f.set(&p, evil)
			_, _, err := issuer.Create(t.Context(), p)
			wantInvalid(t, f.field, err, f.field)
			if err != nil && strings.ContainsAny(err.Error(), "\r\n\x1b\x00") {
				t.Errorf("%s: the error holds what it refuses: %q", f.field, err)
			}
		}
		_, err := issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{Description: &evil})
		wantInvalid(t, "Update", err, "Description")
		_, err = issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{Reason: evil})
		wantInvalid(t, "Revoke", err, "Reason")
		_, err = issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{By: evil})
		wantInvalid(t, "Revoke", err, "By")
		p := valid()
		p.Scopes = []string{evil}
		_, _, err = issuer.Create(t.Context(), p)
		wantInvalid(t, "scopes", err, "Scopes")
	}
}

// CVE-2022-21698, CVE-2023-45142: a metric had a label that clients choose, and each value took memory for ever. What a Verifier
// counts is a fixed number of numbers, whatever it is asked.
func TestCVE_2022_21698_StatsAreFixed(t *testing.T) {
	t.Parallel()
	stats := reflect.TypeFor[apikey.Stats]()
	for i := range stats.NumField() {
		switch f := stats.Field(i); f.Type.Kind() {
		case reflect.Uint64, reflect.Int64, reflect.Int:
		default:
			t.Errorf("%s is a %s: can it grow with what clients send?", f.Name, f.Type)
		}
	}
	if stats.NumField() < 10 {
		t.Errorf("control: %d fields", stats.NumField())
	}
}
