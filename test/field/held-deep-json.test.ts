// Source: an adversarial review, what held: deep JSON in every place that reads JSON; tokens are in test/hostile/documents.test.ts.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { parseJwks } from '../../src/keys/jwks.ts';
import { KeyError } from '../../src/keys/key-error.ts';
import { ForeignLines } from '../../src/revocation/foreign-lines.ts';
import {
  outcome,
  page,
  shownKeySets,
  startFetching,
  startUpstream,
  token,
} from '../keysets/fetched-gateway.ts';
import { jwk, ok, ScriptedIssuer } from '../keysets/scripted-issuer.ts';
import { FixedClock, issuerOf, livesOf } from '../revocation/support.ts';
import { eventually, silentLog, startGateway } from '../support/gateway.ts';
import { post, revocation, revoke, signedClaimsOf } from '../support/revocation.ts';
import { rs256, rsaKey } from '../support/tokens.ts';

const key = rsaKey();
const good = jwk(key, { kid: 'good', alg: 'RS256' });
const lists = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const objects = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
/** Deeper than a stack, within the bounds of a document; closed and not. */
const LEVELS = 50_000;
const deep = {
  'lists in lists': lists(LEVELS),
  'objects in objects': objects(LEVELS),
  'lists without an end': '['.repeat(LEVELS),
  'objects without an end': '{"a":'.repeat(LEVELS),
} as const;

const upstream = await startUpstream();
after(() => upstream.close());

describe('documents of an issuer', () => {
  for (const [what, text] of Object.entries(deep)) {
    for (const [kind, path, document] of [
      ['a key set', '/keys', text],
      ['a key set with it beside its keys', '/keys', `{"x":${text},"keys":[${JSON.stringify(good)}]}`],
      ['a key with it', '/keys', `{"keys":[${JSON.stringify(good).slice(0, -1)},"x5c":${text}}]}`],
      [
        'discovery',
        '/discovery',
        `{"issuer":"https://issuer.example","jwks_uri":"http://127.0.0.1:1/","x":${text}}`,
      ],
    ] as const) {
      test(`${kind} of ${what} breaks nothing`, async () => {
        const server = await ScriptedIssuer.start();
        server.responses.set(path, ok(document));
        const gateway = await startFetching(upstream, {
          url: server.url(path),
          remote: { kind: path === '/keys' ? 'jwks' : 'discovery' },
        });
        try {
          const [set] = await eventually(
            () => shownKeySets(gateway),
            ([one]) => one?.lastError !== null || one.kids.length > 0,
          );
          const expected = set?.kids.length === 1 ? '200' : '503 keys_unavailable';
          assert.equal(await outcome(gateway.port, token(key, 'good')), expected);
          assert.ok((set?.lastError ?? '').length < 1000);
          assert.equal((await page(gateway, '/metrics')).status, 200);
        } finally {
          await gateway.close();
          await server.close();
        }
      });
    }
  }
});

describe('a key set of a file', () => {
  for (const [what, text] of Object.entries(deep)) {
    test(`of ${what} is a fault of the key set`, () => {
      assert.throws(() => parseJwks(text), KeyError);
    });
  }
});

test('bodies of an operator or of FusionAuth', async () => {
  const fusionauth = { issuer: 'test', listen: undefined, key: undefined };
  const gateway = await startGateway({
    upstreamPort: upstream.port,
    config: { revocation: { ...revocation, fusionauth } },
  });
  try {
    for (const levels of [500, 5_000, LEVELS]) {
      for (const inner of [lists(levels), objects(levels), '['.repeat(levels)]) {
        for (const body of [inner, `{"sub":${inner}}`, `{"x":${inner},"sub":"a"}`]) {
          const bearer = `Authorization: Bearer ${revocation.secret}`;
          const { status } = await post(gateway.adminPort, '/revocations', body, bearer);
          assert.ok([400, 413].includes(status), `${status} for ${body.slice(0, 20)}`);
          const event = `{"event":{"id":"1","type":"user.deactivate","createInstant":1,"user":${body}}}`;
          const signature = rs256(gateway.key, signedClaimsOf(event));
          const told = await post(
            gateway.adminPort,
            '/webhooks/fusionauth',
            event,
            `X-FusionAuth-Signature-JWT: ${signature}`,
          );
          assert.ok(told.status < 500, `${told.status} for ${event.slice(0, 60)}`);
        }
      }
    }
    assert.equal((await revoke(gateway.adminPort, { sub: 'alice' })).status, 200);
  } finally {
    await gateway.close();
  }
});

test('entries of Redis', () => {
  const lines = new ForeignLines({
    lives: livesOf(issuerOf('main')),
    clock: new FixedClock(),
    log: silentLog,
    secret: undefined,
  });
  const all = Object.values(deep).flatMap((text) => [text, `{"sub":${text}}`, `{"x":${text},"sub":"a"}`]);
  assert.deepEqual(lines.read(all), []);
  assert.equal(lines.refused.value, all.length);
});
