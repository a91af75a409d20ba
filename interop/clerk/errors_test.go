package clerk_test

import (
	"context"
	"testing"

	"github.com/clerk/clerk-sdk-go/v2"
	clerkkeys "github.com/clerk/clerk-sdk-go/v2/apikey"
)

// calls are all eight methods, for a key's id.
func calls(client *clerkkeys.Client, id string) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"create": func(ctx context.Context) error {
			_, err := client.Create(ctx, &clerkkeys.CreateParams{Name: clerk.String("never made"), Subject: clerk.String(alan)})
			return err
		},
		"list": func(ctx context.Context) error {
			_, err := client.List(ctx, &clerkkeys.ListParams{Subject: clerk.String(alan)})
			return err
		},
		"get":    func(ctx context.Context) error { _, err := client.Get(ctx, id); return err },
		"secret": func(ctx context.Context) error { _, err := client.GetSecret(ctx, id); return err },
		"update": func(ctx context.Context) error {
			_, err := client.Update(ctx, id, &clerkkeys.UpdateParams{Description: clerk.String("x")})
			return err
		},
		"delete": func(ctx context.Context) error { _, err := client.Delete(ctx, id); return err },
		"revoke": func(ctx context.Context) error { _, err := client.Revoke(ctx, id, nil); return err },
		"verify": func(ctx context.Context) error {
			_, err := client.Verify(ctx, &clerkkeys.VerifyParams{Secret: id})
			return err
		},
	}
}

// refusals: each kind of error arrives as the client's own, with our code.
func refusals(t *testing.T, client *clerkkeys.Client) {
	key := create(t, client, clerkkeys.CreateParams{Name: clerk.String("taken"), Subject: clerk.String(alan)})
	const unknown = "ak_00000000000000000000000000000000"
	for name, call := range calls(client, unknown) {
		if name == "create" || name == "list" {
			continue
		}
		t.Run(name+" of an unknown id", func(t *testing.T) { wantError(t, call(t.Context()), 404, "resource_not_found") })
	}
	for name, call := range calls(client, "ak_short") {
		if name == "create" || name == "list" || name == "verify" {
			continue
		}
		t.Run(name+" of what is no id", func(t *testing.T) { wantError(t, call(t.Context()), 400, "bad_request") })
	}
	for _, c := range []struct {
		name   string
		params clerkkeys.CreateParams
		status int
		code   string
	}{
		{"name taken", clerkkeys.CreateParams{Name: clerk.String("taken"), Subject: clerk.String(alan)}, 409, "token_creation_conflict"},
		{"no such subject", clerkkeys.CreateParams{Name: clerk.String("valid"), Subject: clerk.String(wrong)}, 400, "bad_request"},
		{"no subject", clerkkeys.CreateParams{Name: clerk.String("valid")}, 400, "bad_request"},
		{"no name", clerkkeys.CreateParams{Subject: clerk.String(alan)}, 400, "bad_request"},
		{"short name", clerkkeys.CreateParams{Name: clerk.String("ab"), Subject: clerk.String(alan)}, 400, "bad_request"},
		{"no such creator", clerkkeys.CreateParams{
			Name: clerk.String("valid"), Subject: clerk.String(alan), CreatedBy: clerk.String(wrong)}, 400, "bad_request"},
		{"expires before it is made", clerkkeys.CreateParams{
			Name: clerk.String("valid"), Subject: clerk.String(alan), SecondsUntilExpiration: clerk.Int64(-1)}, 400, "bad_request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := client.Create(t.Context(), &c.params)
			wantError(t, err, c.status, c.code)
		})
	}
	other := create(t, client, clerkkeys.CreateParams{Name: clerk.String("taken"), Subject: clerk.String(robot)}) // by somebody else
	if _, err := client.Revoke(t.Context(), key.ID, nil); err != nil {
		t.Fatal(err)
	}
	again := create(t, client, clerkkeys.CreateParams{Name: clerk.String("taken"), Subject: clerk.String(alan)}) // free again
	if key.ID == again.ID || key.ID == other.ID {
		t.Error("an id was used again")
	}
	_, err := client.Verify(t.Context(), &clerkkeys.VerifyParams{})
	wantError(t, err, 400, "bad_request")
}

// wrongToken: whatever is asked for, the answer is the same.
func wrongToken(t *testing.T, client *clerkkeys.Client) {
	for name, call := range calls(client, "ak_00000000000000000000000000000000") {
		t.Run(name, func(t *testing.T) { wantError(t, call(t.Context()), 401, "clerk_key_invalid") })
	}
}
