// Plays all that Clerk's client for JavaScript can do with API keys, against a server of ours:
//
//   node client.mjs URL TOKEN FAULTS
//
// URL is that of examples/server with the path before /api_keys, TOKEN manages its keys, and FAULTS is a server
// that answers each token with the error it is named after.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClerkClient } from '@clerk/backend';

const [url, token, faults] = process.argv.slice(2);
const client = (secretKey = token, apiUrl = url) => createClerkClient({ secretKey, apiUrl });
const keys = client().apiKeys;
const owner = id => `user_2xhFjEI5X2qWRvtV13BzSj8H6D${id}`; // one a test
const unknown = 'ak_00000000000000000000000000000000';

/** Holds an error of the client to one of ours. */
async function refused(call, status, code, param, retryAfter) {
  await assert.rejects(call, error => {
    assert.equal(error.name, 'ClerkAPIResponseError');
    assert.equal(error.status, status, error.message);
    assert.equal(error.errors.length, 1);
    const [e] = error.errors;
    assert.deepEqual([e.code, e.meta?.paramName, error.retryAfter], [code, param, retryAfter]);
    assert.ok(e.message && e.longMessage);
    return true;
  });
}

/** Compares all fields of a key. */
function same(key, want) {
  assert.equal(key.constructor.name, '_APIKey'); // else it is a raw object, in snake_case
  assert.deepEqual({ ...key, lastUsedAt: null }, want); // which is written behind
}

test('life', async () => {
  const from = Date.now();
  const { secret, ...created } = await keys.create({
    name: 'MY_SERVICE_API_KEY', subject: owner('a'), description: 'This is my API Key', claims: { Foo: { bAr_baz: [1, 2.5, null] } },
    scopes: ['read', 'write'], createdBy: owner('a'), secondsUntilExpiration: 3600,
  });
  assert.match(created.id, /^ak_[0-9a-f]{32}$/);
  assert.match(secret, /^ak_[0-9A-Za-z]{72}$/);
  assert.ok(from <= created.createdAt && created.createdAt <= Date.now());
  const want = {
    id: created.id, type: 'api_key', name: 'MY_SERVICE_API_KEY', subject: owner('a'), scopes: ['read', 'write'],
    claims: { Foo: { bAr_baz: [1, 2.5, null] } }, revoked: false, revocationReason: null, expired: false,
    expiration: created.createdAt + 3600e3, createdBy: owner('a'), description: 'This is my API Key', lastUsedAt: null,
    createdAt: created.createdAt, updatedAt: created.createdAt,
  };
  assert.deepEqual(created, want);
  const bare = { ...want, secret: undefined };
  same(await keys.get(created.id), bare);
  const page = await keys.list({ subject: owner('a') });
  assert.equal(page.totalCount, 1);
  same(page.data[0], bare);
  same(await keys.verify(secret), bare);
  await refused(() => keys.getSecret(created.id), 403, 'feature_not_enabled');

  const before = Date.now();
  const updated = await keys.update({ apiKeyId: created.id, subject: owner('a'), description: 'changed', claims: { a: 1 }, scopes: [], secondsUntilExpiration: 60 });
  assert.ok(before + 60e3 <= updated.expiration && updated.expiration <= Date.now() + 60e3);
  same(updated, { ...bare, description: 'changed', claims: { a: 1 }, scopes: [], expiration: updated.expiration, updatedAt: updated.updatedAt });
  const cleared = await keys.update({ apiKeyId: created.id, subject: owner('a'), description: null, claims: null, secondsUntilExpiration: null });
  const last = { ...bare, description: null, claims: null, scopes: [], expiration: null, updatedAt: cleared.updatedAt };
  same(cleared, last);

  const revoked = await keys.revoke({ apiKeyId: created.id, revocationReason: 'Revoked by user' });
  const dead = { ...last, revoked: true, revocationReason: 'Revoked by user', updatedAt: revoked.updatedAt };
  same(revoked, dead);
  same(await keys.revoke({ apiKeyId: created.id }), dead); // sends null as the reason
  await refused(() => keys.verify(secret), 404, 'resource_not_found');
  await refused(() => keys.update({ apiKeyId: created.id, subject: owner('a'), description: 'too late' }), 400, 'bad_request');

  const deleted = await keys.delete(created.id);
  assert.deepEqual({ ...deleted }, { object: 'api_key', id: created.id, slug: null, deleted: true });
  for (const call of ['delete', 'get', 'getSecret']) await refused(() => keys[call](created.id), 404, 'resource_not_found');
});

test('pages and filters', async () => {
  const made = [];
  for (let i = 0; i < 12; i++) made.unshift((await keys.create({ name: `key ${i}`, subject: owner('b') })).id);
  await keys.revoke({ apiKeyId: made[0] });
  const ids = async params => {
    const page = await keys.list({ subject: owner('b'), ...params });
    return [page.totalCount, ...page.data.map(key => key.id)];
  };
  assert.deepEqual(await ids({}), [11, ...made.slice(1, 11)]);
  assert.deepEqual(await ids({ offset: 10 }), [11, made[11]]);
  assert.deepEqual(await ids({ limit: 3, offset: 2, includeInvalid: true }), [12, ...made.slice(2, 5)]);
  assert.deepEqual(await ids({ limit: 100, includeInvalid: true }), [12, ...made]);
  assert.deepEqual(await ids({ query: 'KEY 1', limit: 100 }), [2, made[1], made[10]]);
  assert.deepEqual(await ids({ subject: owner('x') }), [0]);
  await refused(() => ids({ limit: 101 }), 400, 'bad_request', 'limit');
  await refused(() => ids({ subject: 'nobody' }), 400, 'bad_request', 'subject');
});

test('errors', async () => {
  const { id } = await keys.create({ name: 'taken', subject: owner('c') });
  await refused(() => keys.create({ name: 'taken', subject: owner('c') }), 409, 'token_creation_conflict', 'name');
  await refused(() => keys.create({ name: 'ab', subject: owner('c') }), 400, 'bad_request', 'name');
  await refused(() => keys.create({ name: 'valid', subject: owner('c'), secondsUntilExpiration: 0 }), 400, 'bad_request', 'seconds_until_expiration');
  await refused(() => keys.update({ apiKeyId: id, subject: owner('d') }), 400, 'bad_request', 'subject');
  await refused(() => keys.get(unknown), 404, 'resource_not_found');
  await refused(() => keys.get('ak_short'), 400, 'bad_request', 'id');
  await refused(() => keys.verify(''), 400, 'bad_request', 'secret');
  const nobody = client('not the token').apiKeys;
  for (const call of [() => nobody.get(unknown), () => nobody.list({ subject: owner('c') }), () => nobody.delete(unknown), () => nobody.verify('x')]) {
    await refused(call, 401, 'clerk_key_invalid');
  }
});

test('errors of whoever embeds the API', async () => {
  const call = name => () => client(name, faults).apiKeys.create({ name: 'valid', subject: owner('e') });
  await refused(call('limited'), 429, 'too_many_requests', undefined, 7);
  await refused(call('down'), 503, 'service_unavailable', undefined, 1);
  await refused(call('off'), 403, 'feature_not_enabled');
  await refused(call('full'), 403, 'token_quota_exceeded');
});

test('authenticateRequest', async () => {
  const state = (secret, secretKey) =>
    client(secretKey).authenticateRequest(new Request('http://localhost/', { headers: { Authorization: `Bearer ${secret}` } }), { acceptsToken: 'api_key' });
  const { id, secret } = await keys.create({ name: 'caller', subject: owner('f'), claims: { plan: 'pro' }, scopes: ['read'] });
  const rotated = await keys.create({ name: 'gone', subject: owner('f') });
  await keys.revoke({ apiKeyId: rotated.id });
  const good = (await state(secret)).toAuth();
  assert.deepEqual(
    [good.isAuthenticated, good.tokenType, good.id, good.name, good.subject, good.claims, good.scopes, good.userId, good.orgId],
    [true, 'api_key', id, 'caller', owner('f'), { plan: 'pro' }, ['read'], owner('f'), null],
  );
  for (const bad of [rotated.secret, `${secret.slice(0, -1)}!`, 'ak_x', `ak_${'0'.repeat(72)}`, `${secret}0`, id]) {
    const { isAuthenticated, reason } = await state(bad);
    assert.deepEqual([isAuthenticated, reason], [false, 'token-invalid']);
  }
  assert.equal((await state(secret, 'not the token')).reason, 'secret-key-invalid');
});
