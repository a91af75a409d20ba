package leak_test

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/leak"
)

// FuzzGitHub signs any body. It is 400, or an answer of one label for each find that encoding/json reads a token in;
// true ones are those of the key that leaked, and a key that is not in the body stays alive.
func FuzzGitHub(f *testing.F) {
	keys := apikeytest.New(f, nil)
	signer := newGitHubKey(f)
	h := newEndpoint(f, keys, newGitHub(f, signer), leak.GitHubOptions{})
	_, leaked := keys.Create(f, apikey.CreateParams{})
	_, kept := keys.Create(f, apikey.CreateParams{})
	one := `{"token":"` + leaked + `","type":"a","url":"https://github.com/a","source":"commit"}`
	for _, body := range []string{"", "[]", "{}", "null", "[null]", "[" + one + "]", "[" + one + "," + one + "]", "[" + one + "]]", "[" + one + ",]", `[{"token":"` + junked(leaked) + `"}]`,
		`[{"token":"` + junked(kept) + `","url":"` + leaked + `"}]`, `[{"TOKEN":"` + leaked + `"}]`, `[{"token":1},{"token":null},{"token":[` + one + `]}]`, `[{"token":"\ud800` + "\xff" + `"}]`,
		`[{"token":"a","token":"` + leaked + `"}]`, `[{"token":"` + leaked + `","type":"<&>\u0000"}]`, `[[[[[[`, `[1e999,{"token":"x"}]`, " [\n] \t", "\ufeff[]", `[{"token":"` + leaked[:40] + `"}]`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		w := call(t, h, signer, string(body))
		var entries []json.RawMessage
		d := json.NewDecoder(bytes.NewReader(body))
		err := d.Decode(&entries)
		if err == nil {
			_, err = d.Token()
		}
		valid := err == io.EOF && entries != nil
		if !valid || w.Code != 200 {
			if valid || w.Code != 400 {
				t.Errorf("%q: %d %v", body, w.Code, err)
			}
			return
		}
		var answers []struct {
			Hash  string `json:"token_hash"`
			Type  string `json:"token_type"`
			Label string `json:"label"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answers); err != nil || answers == nil {
			t.Fatalf("%q: %v %s", body, err, w.Body)
		}
		finds, genuine, labelled := 0, 0, 0
		for _, entry := range entries {
			var find struct{ Token string }
			json.Unmarshal(entry, &find)
			if find.Token != "" {
				finds++
			}
			if find.Token == leaked {
				genuine++
			}
		}
		for _, a := range answers {
			if a.Label == truePositive {
				labelled++
			} else if a.Label != falsePositive || len(a.Hash) != 64 {
				t.Errorf("%q: %v", body, a)
			}
		}
		if finds != len(answers) || genuine != labelled {
			t.Errorf("%q: %d answers to %d finds, %d of %d genuine", body, len(answers), finds, labelled, genuine)
		}
		if genuine > 0 {
			wantDead(t, keys, leaked)
		}
		wantAlive(t, keys, kept)
	})
}
