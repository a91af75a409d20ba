package clerk_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"
	clerkkeys "github.com/clerk/clerk-sdk-go/v2/apikey"
)

// life calls all eight methods for one key.
func life(t *testing.T, client *clerkkeys.Client) {
	from := time.Now().UnixMilli()
	created, err := client.Create(t.Context(), &clerkkeys.CreateParams{
		Type: clerk.String("api_key"), Name: clerk.String("MY_SERVICE_API_KEY"), Description: clerk.String("This is my API Key"),
		Subject: clerk.String(ada), Claims: json.RawMessage(`{"foo":{"Bar":[1,2.50]}}`), Scopes: []string{"read", "write"},
		CreatedBy: clerk.String(ada), SecondsUntilExpiration: clerk.Int64(3600),
	})
	if err != nil {
		t.Fatal(err)
	}
	to := time.Now().UnixMilli()
	if !regexp.MustCompile(`^ak_[0-9a-f]{32}$`).MatchString(created.ID) || !regexp.MustCompile(`^ak_[0-9A-Za-z]{72}$`).MatchString(created.Secret) {
		t.Errorf("the id is %q, and a secret of %d characters", created.ID, len(created.Secret))
	}
	if created.Response.StatusCode != http.StatusCreated || created.CreatedAt < from || created.CreatedAt > to {
		t.Errorf("%d, created at %d, want it between %d and %d", created.Response.StatusCode, created.CreatedAt, from, to)
	}
	key := clerk.APIKey{
		Object: "api_key", ID: created.ID, Type: "api_key", Subject: ada, Name: "MY_SERVICE_API_KEY",
		Description: clerk.String("This is my API Key"), Claims: json.RawMessage(`{"foo":{"Bar":[1,2.50]}}`), Scopes: []string{"read", "write"},
		Expiration: clerk.Int64(created.CreatedAt + 3600e3), CreatedBy: clerk.String(ada),
		CreatedAt: created.CreatedAt, UpdatedAt: created.CreatedAt,
	}
	wantKey(t, &created.APIKey, key)

	got, err := client.Get(t.Context(), key.ID)
	if err != nil {
		t.Fatal(err)
	}
	wantKey(t, got, key)
	page, err := client.List(t.Context(), &clerkkeys.ListParams{Subject: clerk.String(ada)})
	if err != nil || page.TotalCount != 1 || len(page.APIKeys) != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	wantKey(t, page.APIKeys[0], key)

	before := time.Now().UnixMilli()
	updated, err := client.Update(t.Context(), key.ID, &clerkkeys.UpdateParams{
		Claims: json.RawMessage(`null`), Scopes: []string{"admin"}, Description: clerk.String("changed"), SecondsUntilExpiration: clerk.Int64(7200),
	})
	if err != nil {
		t.Fatal(err)
	}
	if updated.UpdatedAt < key.UpdatedAt || updated.Expiration == nil || *updated.Expiration < before+7200e3 || *updated.Expiration > time.Now().UnixMilli()+7200e3 {
		t.Errorf("updated at %d after %d, expires at %v", updated.UpdatedAt, key.UpdatedAt, updated.Expiration)
	}
	key.Claims, key.Scopes, key.Description = json.RawMessage(`null`), []string{"admin"}, clerk.String("changed")
	key.Expiration, key.UpdatedAt = updated.Expiration, updated.UpdatedAt
	wantKey(t, updated, key)

	_, err = client.GetSecret(t.Context(), key.ID)
	wantError(t, err, 403, "feature_not_enabled")

	verified, err := client.Verify(t.Context(), &clerkkeys.VerifyParams{Secret: created.Secret})
	if err != nil {
		t.Fatal(err)
	}
	key.LastUsedAt = verified.LastUsedAt // written later
	wantKey(t, verified, key)

	revoked, err := client.Revoke(t.Context(), key.ID, &clerkkeys.RevokeParams{RevocationReason: clerk.String("Revoked by user")})
	if err != nil {
		t.Fatal(err)
	}
	key.Revoked, key.RevocationReason = true, clerk.String("Revoked by user")
	key.UpdatedAt, key.LastUsedAt = revoked.UpdatedAt, revoked.LastUsedAt
	wantKey(t, revoked, key)
	again, err := client.Revoke(t.Context(), key.ID, nil) // changes nothing
	if err != nil {
		t.Fatal(err)
	}
	key.LastUsedAt = again.LastUsedAt
	wantKey(t, again, key)
	_, err = client.Verify(t.Context(), &clerkkeys.VerifyParams{Secret: created.Secret})
	wantError(t, err, 404, "resource_not_found")
	_, err = client.Update(t.Context(), key.ID, &clerkkeys.UpdateParams{Description: clerk.String("too late")})
	wantError(t, err, 400, "bad_request")

	deleted, err := client.Delete(t.Context(), key.ID)
	if err != nil || deleted.ID != key.ID || deleted.Object != "api_key" || !deleted.Deleted {
		t.Errorf("%+v, %v", deleted, err)
	}
	_, err = client.Delete(t.Context(), key.ID)
	wantError(t, err, 404, "resource_not_found")
	_, err = client.Get(t.Context(), key.ID)
	wantError(t, err, 404, "resource_not_found")
	_, err = client.Verify(t.Context(), &clerkkeys.VerifyParams{Secret: created.Secret})
	wantError(t, err, 404, "resource_not_found")
}

// expiry waits until a key is expired, which ends it as a revocation does but can be taken back.
func expiry(t *testing.T, client *clerkkeys.Client) {
	key := create(t, client, clerkkeys.CreateParams{Name: clerk.String("short"), Subject: clerk.String(acme), SecondsUntilExpiration: clerk.Int64(1)})
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for got := &key.APIKey; !got.Expired; <-tick.C {
		if time.Now().UnixMilli() > key.CreatedAt+60e3 {
			t.Fatal("it does not expire")
		}
		var err error
		if got, err = client.Get(t.Context(), key.ID); err != nil {
			t.Fatal(err)
		}
		if got.Expired && time.Now().UnixMilli() < *key.Expiration {
			t.Errorf("it is expired before %d", *key.Expiration)
		}
	}
	_, err := client.Verify(t.Context(), &clerkkeys.VerifyParams{Secret: key.Secret})
	wantError(t, err, 404, "resource_not_found")
	for include, want := range map[string]int64{"false": 0, "true": 1} {
		page, err := client.List(t.Context(), &clerkkeys.ListParams{Subject: clerk.String(acme), IncludeInvalid: &include})
		if err != nil || page.TotalCount != want || int64(len(page.APIKeys)) != want {
			t.Errorf("include_invalid %s: %+v, %v", include, page, err)
		}
	}
	revived, err := client.Update(t.Context(), key.ID, &clerkkeys.UpdateParams{SecondsUntilExpiration: clerk.Int64(3600)})
	if err != nil || revived.Expired {
		t.Errorf("%+v, %v", revived, err)
	}
	if _, err := client.Verify(t.Context(), &clerkkeys.VerifyParams{Secret: key.Secret}); err != nil {
		t.Error(err)
	}
}
