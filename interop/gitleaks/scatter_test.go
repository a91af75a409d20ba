package gitleaks_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/leak"
)

// issue returns n keys of an Issuer, with their prefix.
func issue(t *testing.T, n int, prefix string) map[string]string {
	t.Helper()
	keys := apikeytest.New(t, &apikeytest.Options{Issuer: apikey.IssuerOptions{Prefix: prefix}})
	texts := make(map[string]string)
	for range n {
		_, text := keys.Create(t, apikey.CreateParams{})
		texts[text] = prefix
	}
	return texts
}

// forms are kinds of files, and ways in which a key, KEY, gets into each.
var forms = map[string]string{
	"config.json": `{"key": "KEY"}
{"env":{"API_KEY":"KEY","url":"https://a.example/v1?key=KEY\u0026x=1"},"list":["KEY","KEY"],"n":[[1,{"k":"KEY"}]]}
{"body":"{\"key\":\"KEY\",\"nested\":\"{\\\"key\\\":\\\"KEY\\\"}\"}"}
{"text":"first line\nKEY\nlast\r\nKEY\ttab\u003cKEY\u003e"}
["KEY"]
{"header":"Authorization: Bearer KEY","KEY":true}
`,
	"values.yaml": `key: KEY
quoted: "KEY"
single: 'KEY'
list:
  - KEY
  - {name: API_KEY, value: KEY}
flow: [KEY,KEY, "KEY"]
args: ["--api-key=KEY", --token, KEY]
anchor: &key KEY
tagged: !!str KEY
block: |
  export API_KEY=KEY
  KEY
folded: >-
  KEY
# KEY
after: x # was KEY before
multi: "line\nKEY\n"
? KEY
: KEY
`,
	".env": `API_KEY=KEY
export API_KEY="KEY"
TOKEN='KEY'
SPACED = KEY
KEYS=KEY,KEY;KEY:KEY|KEY
COMMENTED=KEY # the key
#OLD=KEY
URL=https://KEY@a.example
DSN=key=KEY&other=KEY
lower=xKEY
under=my_KEY
`,
	"links.txt": `https://a.example/?key=KEY
https://a.example/?a=1&key=KEY&b=2#top
https://a.example/?key=KEY#KEY
https://a.example/v1/KEY/items/KEY
https://KEY:x@a.example/
https://user:KEY@a.example:8080/x
https://a.example/login?next=%2Fv1%3Fkey%3DKEY%26x%3D1
https://a.example/?redirect=https%3a%2f%2fb.example%2f%3fkey%3dKEY%26
https://a.example/?key[]=KEY&key[]=KEY;v=KEY
See <https://a.example/?k=KEY>, (https://a.example/?k=KEY) and https://a.example/?k=KEY.
KEYKEY
`,
	"main.go": `package main

const key = "KEY"

var keys = []string{"KEY", "KEY", ` + "`KEY`" + `}

var text = "a line\nKEY\n" + "\tKEY\x00" // KEY

/* KEY */
func main() { call("Bearer KEY", map[string]string{"X-Api-Key":"KEY","k":` + "`{\"key\":\"KEY\"}`" + `}, '\n', "%sKEY%d") }
//KEY
`,
	"README.md": `# KEY

Use ` + "`KEY`" + ` or **KEY**, or _KEY_, or ~~KEY~~, "KEY" (KEY), [KEY](https://a.example/?key=KEY "KEY") <KEY>.

| name | key |
|---|---|
| a | KEY |
|b|KEY|
| c | ` + "`KEY`" + ` KEY |

    curl -H 'Authorization: Bearer KEY' -u KEY: -d key=KEY https://a.example

> KEY
- KEY
1. KEY; KEY: KEY! KEY? KEY… „KEY“ «KEY» KEY—KEY

` + "```sh\nexport KEY=KEY\n```\n![x](x?KEY)\n<!-- KEY --><b>KEY</b><a href='?k=KEY'>&lt;KEY&gt;&nbsp;KEY\n",
}

// scatter writes files into a folder that hold each key once, in all forms.
func scatter(t *testing.T, keys []string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for i := 0; len(keys) > 0; i++ {
		for name, form := range forms {
			var text bytes.Buffer
			for len(keys) > 0 && text.Len() < 10_000 {
				for line := range strings.Lines(form) {
					parts := strings.Split(line, "KEY")
					if len(keys) < len(parts)-1 {
						parts = slices.Repeat([]string{"\n"}, len(keys)+1)
					}
					text.WriteString(parts[0])
					for i, part := range parts[1:] {
						text.WriteString(keys[i] + part)
					}
					keys = keys[len(parts)-1:]
				}
			}
			write(t, filepath.Join(folder, fmt.Sprintf("service-%d", i), name), text.Bytes())
		}
	}
	return folder
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// walk reads every file of a folder.
func walk(t *testing.T, folder string, f func(path string, text []byte)) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		f(path, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func files(t *testing.T, folder string) (n int) {
	walk(t, folder, func(string, []byte) { n++ })
	return n
}

// scan returns how many keys Scan finds in the files of a folder.
func scan(t *testing.T, folder string, f func(leak.Found)) (n int) {
	t.Helper()
	walk(t, folder, func(path string, text []byte) {
		for found, err := range leak.Scan(bytes.NewReader(text)) {
			if err != nil {
				t.Fatal(err)
			}
			f(found)
			n++
		}
	})
	return n
}

// context returns what stands around a key.
func context(t *testing.T, folder, key string) (around string) {
	t.Helper()
	walk(t, folder, func(path string, text []byte) {
		if at := bytes.Index(text, []byte(key)); at >= 0 {
			around = fmt.Sprintf("%s: %q", path, text[max(0, at-20):min(len(text), at+len(key)+20)])
		}
	})
	return around
}
