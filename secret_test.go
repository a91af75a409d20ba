package apikey_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// leak returns what output shows of canary: 8 bytes of it in a row, as they are, in hex, as a
// list of numbers or in base64; "": nothing.
func leak(canary, output string) string {
	for at := range len(canary) - 7 {
		part := canary[at : at+8]
		decimals := strings.Trim(fmt.Sprint([]byte(part)), "[]")
		for _, shown := range []string{
			part,
			hex.EncodeToString([]byte(part)),
			fmt.Sprintf("%X", part),
			fmt.Sprintf("% x", part),
			decimals,
			strings.ReplaceAll(decimals, " ", ", "),
			strings.ReplaceAll(decimals, " ", ","),
			strings.Trim(fmt.Sprintf("%#v", []byte(part)), "[]byte{}"),
			base64.RawStdEncoding.EncodeToString([]byte(part[:6])), // wherever it begins, these are 8 whole digits
			base64.RawURLEncoding.EncodeToString([]byte(part[:6])),
		} {
			if strings.Contains(output, shown) {
				return shown
			}
		}
	}
	return ""
}

func wantNoLeak(t testing.TB, what, canary, output string) {
	t.Helper()
	if leak(canary, output) != "" {
		t.Errorf("%s shows 8 bytes of a secret: %.200q", what, output)
	}
}

// wantNoLeaks looks through the output of many ways at once, and again for the one at fault.
func wantNoLeaks(t testing.TB, what, canary string, outputs map[string]string) {
	t.Helper()
	all := slices.Compact(slices.Sorted(maps.Values(outputs)))
	if leak(canary, strings.Join(all, "\n")) == "" {
		return
	}
	for how, output := range outputs {
		wantNoLeak(t, what+" by "+how, canary, output)
	}
}

// The search finds what it is for.
func TestLeaksAreFound(t *testing.T) {
	t.Parallel()
	canary := string(ascending(200, 32))
	for _, format := range []string{"%s", "%x", "%X", "% x", "%v", "%d", "%#v"} {
		if output := fmt.Sprintf("around "+format+" it", []byte(canary)[5:13]); leak(canary, output) == "" {
			t.Errorf("%s: not found in %s", format, output)
		}
	}
	for at := range 3 {
		if output := base64.StdEncoding.EncodeToString([]byte(canary)[at:]); leak(canary, output) == "" {
			t.Errorf("not found in %s", output)
		}
	}
	if list, err := json.Marshal([]int{207, 208, 209, 210, 211, 212, 213, 214}); err != nil || leak(canary, string(list)) == "" {
		t.Errorf("not found in %s, %v", list, err)
	}
	if shown := leak(canary, canary[:7]+canary[8:15]+canary[:7]); shown != "" {
		t.Errorf("7 bytes in a row are taken for a leak: %q", shown)
	}
}

// anyVerb holds verbs that mean something for some type, and for no type.
const anyVerb = "vsqxXdpTbcoOUeEfFgGt!"

// printed is what these verbs, the encoders and the loggers make of v.
func printed(v any, verbs string) map[string]string {
	out := make(map[string]string)
	for _, verb := range verbs {
		for _, flag := range []string{"", "+", "#", " ", "0", "-", "+#", "200", ".100"} {
			format := "%" + flag + string(verb)
			out[format] = fmt.Sprintf(format, v)
		}
	}
	out["Print"] = fmt.Sprint(v)
	out["join"] = errors.Join(fmt.Errorf("failed: %+v", v)).Error()
	if data, err := json.Marshal(v); err == nil {
		out["json"] = string(data)
	}
	if data, err := json.Marshal(map[string]any{"v": v}); err == nil {
		out["json in a map"] = string(data)
	}
	var binary bytes.Buffer
	if err := gob.NewEncoder(&binary).Encode(v); err == nil {
		out["gob"] = binary.String()
	}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).With("with", v).Info("now", "v", v, slog.Group("group", "v", v), "list", []any{v}, "at", &v)
	}
	out["slog"] = log.String()
	func() {
		defer func() { out["panic"] = fmt.Sprint(recover()) }()
		panic(v)
	}()
	return out
}

func TestSecretPrintsNothing(t *testing.T) {
	t.Parallel()
	_, secret := newKey(t, newIssuer(t, memstore.New(), apikey.IssuerOptions{}), apikey.CreateParams{})
	text := secret.Reveal()
	pointer := &secret
	type exported struct {
		Secret  apikey.Secret
		Pointer *apikey.Secret
	}
	type unexported struct {
		secret  apikey.Secret
		pointer *apikey.Secret
		any     any
	}
	for what, v := range map[string]any{
		"the secret":           secret,
		"a pointer":            pointer,
		"a pointer's":          &pointer,
		"exported fields":      exported{secret, pointer},
		"unexported fields":    unexported{secret, pointer, secret},
		"embedded":             struct{ apikey.Secret }{secret},
		"pointer to fields":    &unexported{secret, pointer, pointer},
		"nested fields":        struct{ in []unexported }{[]unexported{{secret, pointer, &secret}}},
		"a slice":              []apikey.Secret{secret},
		"a slice of pointers":  []*apikey.Secret{pointer},
		"an array":             [1]apikey.Secret{secret},
		"a map":                map[string]apikey.Secret{"k": secret},
		"a map's keys":         map[apikey.Secret]int{secret: 1},
		"create's results":     []any{secret, error(nil)},
		"a reflect.Value":      reflect.ValueOf(secret),
		"a reflect.Value of *": reflect.ValueOf(&unexported{secret: secret}).Elem(),
	} {
		wantNoLeaks(t, what, text, printed(v, anyVerb))
	}
	// It says that there is one.
	for how, output := range printed(secret, "vsqxXd") {
		if !strings.Contains(output, "[secret]") {
			t.Errorf("%s: %q", how, output)
		}
	}
}

func TestSecretReveals(t *testing.T) {
	t.Parallel()
	var zero apikey.Secret
	if zero.Reveal() != "" || fmt.Sprint(zero) != "[secret]" {
		t.Errorf("the zero Secret: %q, %v", zero.Reveal(), zero)
	}
	_, secret := newKey(t, newIssuer(t, memstore.New(), apikey.IssuerOptions{}), apikey.CreateParams{})
	if same := secret; same.Reveal() != secret.Reveal() || len(secret.Reveal()) != 75 {
		t.Error("a copy reveals another text")
	}
}
