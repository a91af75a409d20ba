package clerk_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/clerk/clerk-sdk-go/v2"
	clerkkeys "github.com/clerk/clerk-sdk-go/v2/apikey"
)

// list looks at twelve keys of one owner, of which one is revoked and one is of another type, page by page.
func list(t *testing.T, client *clerkkeys.Client) {
	var names []string // newest first
	for i := range 12 {
		p := clerkkeys.CreateParams{Name: clerk.String(fmt.Sprintf("key %02d", i)), Subject: clerk.String(grace)}
		if i == 3 {
			p.Type = clerk.String("service_key")
		}
		key := create(t, client, p)
		if i == 7 {
			if _, err := client.Revoke(t.Context(), key.ID, &clerkkeys.RevokeParams{}); err != nil {
				t.Fatal(err)
			}
		}
		names = slices.Insert(names, 0, key.Name)
	}
	without := func(gone ...string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(gone, name) })
	}
	valid, all := without("key 03", "key 07"), without("key 03")
	params := func(limit, offset int64, kind, include string) clerkkeys.ListParams {
		p := clerkkeys.ListParams{Subject: clerk.String(grace)}
		if limit >= 0 {
			p.Limit = &limit
		}
		if offset >= 0 {
			p.Offset = &offset
		}
		if kind != "" {
			p.Type = &kind
		}
		if include != "" {
			p.IncludeInvalid = &include
		}
		return p
	}
	for _, c := range []struct {
		name  string
		query clerkkeys.ListParams
		want  []string
		total int
	}{
		{"defaults", params(-1, -1, "", ""), valid, 10},
		{"the default limit", params(-1, -1, "", "true"), all[:10], 11},
		{"with the revoked", params(100, 0, "", "true"), all, 11},
		{"without the revoked", params(100, 0, "", "false"), valid, 10},
		{"first page", params(4, 0, "", "true"), all[:4], 11},
		{"second page", params(4, 4, "api_key", "true"), all[4:8], 11},
		{"last page", params(4, 8, "", "true"), all[8:], 11},
		{"past the end", params(4, 11, "", "true"), nil, 11},
		{"far past the end", params(4, 1<<40, "", "true"), nil, 11},
		{"another type", params(-1, -1, "service_key", ""), []string{"key 03"}, 1},
		{"a type that no key has", params(-1, -1, "nothing", "true"), nil, 0},
		{"nobody's", clerkkeys.ListParams{Subject: clerk.String("mch_2xhFjEI5X2qWRvtV13BzSj8H6Dk")}, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			page, err := client.List(t.Context(), &c.query)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, key := range page.APIKeys {
				got = append(got, key.Name)
				if key.Revoked != (key.Name == "key 07") || key.Subject != grace {
					t.Errorf("%+v", key)
				}
			}
			if !slices.Equal(got, c.want) || page.TotalCount != int64(c.total) || page.APIKeys == nil {
				t.Errorf("%q of %d, want %q of %d", got, page.TotalCount, c.want, c.total)
			}
		})
	}
	for name, query := range map[string]clerkkeys.ListParams{
		"no owner": {}, "no such owner": {Subject: clerk.String(wrong)}, "limit of 0": params(0, -1, "", ""), "limit of 101": params(101, -1, "", ""),
		"offset below 0":         {Subject: clerk.String(grace), ListParams: clerk.ListParams{Offset: clerk.Int64(-1)}},
		"neither true nor false": params(-1, -1, "", "maybe"), "type too short": params(-1, -1, "ab", ""),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.List(t.Context(), &query)
			wantError(t, err, 400, "bad_request")
		})
	}
}
