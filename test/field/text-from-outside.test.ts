// Source: an adversarial review: a fetched key set with kids of U+009B, U+202E and of 900,000 characters.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createLog } from '../../src/lib/log.ts';
import {
  outcome,
  page,
  type ShownKeySet,
  startFetching,
  startUpstream,
  token,
} from '../keysets/fetched-gateway.ts';
import { jwk, keySet, ok, ScriptedIssuer } from '../keysets/scripted-issuer.ts';
import { eventually, type TestGateway } from '../support/gateway.ts';
import { rsaKey } from '../support/tokens.ts';

const key = rsaKey();
const good = jwk(key, { kid: 'good', alg: 'RS256' });
/** A terminal takes U+009B as the beginning of a command; U+202E reverses the direction of the next text. */
const orders = '\u009b2J\u202edoog\u2028\u007f\ud83d';
const shownOrders = '\\u009b2J\\u202edoog\\u2028\\u007f\\ud83d';
const invisible = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/u;
/** More than any page has about a set of a few keys, and far below the size sent here. */
const MAX_SHOWN = 32 * 1024;

const upstream = await startUpstream();
after(() => upstream.close());

interface Stand {
  readonly gateway: TestGateway;
  readonly server: ScriptedIssuer;
  /** The log, as it is written. */
  readonly logged: () => string;
}

async function withIssuer(
  responder: (server: ScriptedIssuer) => { readonly path?: string },
  use: (stand: Stand) => Promise<void>,
): Promise<void> {
  const server = await ScriptedIssuer.start();
  const { path = '/keys' } = responder(server);
  const lines: string[] = [];
  const log = createLog({ level: 'debug', destination: { write: (line) => lines.push(line) } });
  const kind = path === '/keys' ? 'jwks' : 'discovery';
  const gateway = await startFetching(upstream, { url: server.url(path), remote: { kind }, log });
  try {
    await use({ gateway, server, logged: () => lines.join('') });
  } finally {
    await gateway.close();
    await server.close();
  }
}

/** A page, in UTF-8 as sent; the wire has bytes. */
async function textOf(gateway: TestGateway, path: string): Promise<string> {
  return Buffer.from((await page(gateway, path)).body, 'latin1').toString();
}

async function keySetsOf(gateway: TestGateway): Promise<readonly ShownKeySet[]> {
  return (JSON.parse(await textOf(gateway, '/status')) as { keySets: ShownKeySet[] }).keySets;
}

function assertHarmless(text: string, where: string): void {
  assert.doesNotMatch(text, invisible, where);
  assert.ok(text.length < MAX_SHOWN, `${where} has ${text.length} characters`);
}

describe('text that an issuer publishes', () => {
  test('gives no commands to the terminals of log or status readers', () =>
    withIssuer(
      (server) => {
        const other = jwk(rsaKey(), { kid: orders, alg: 'RS256' });
        server.keys = keySet(good, other, { ...good, kid: `enc ${orders}`, use: 'enc' });
        return {};
      },
      async ({ gateway, logged }) => {
        const sets = await eventually(
          () => keySetsOf(gateway),
          ([set]) => set?.kids.length === 2,
        );
        assert.deepEqual(sets[0]?.kids, ['good', shownOrders]);
        assert.equal(sets[0]?.ignored.length, 1);
        assert.equal(invisible.test(sets[0]?.ignored[0] ?? ''), false);
        for (const path of ['/status', '/metrics', '/readyz']) {
          assertHarmless(
            (await textOf(gateway, path)).replace(/^portcullis_(process|nodejs).*\n/gm, ''),
            path,
          );
        }
        assert.match(logged(), /the key set has changed/);
        assertHarmless(logged(), 'the log');
      },
    ));

  test('is bounded: a key whose kid is too long is left out with the reason, the others stay', () =>
    withIssuer(
      (server) => {
        const [long, just] = [jwk(rsaKey(), { kid: 'k'.repeat(900_000) }), 'j'.repeat(1024)];
        server.keys = keySet(long, good, jwk(key, { kid: just, alg: 'RS256' }));
        return {};
      },
      async ({ gateway, logged }) => {
        const [set] = await eventually(
          () => keySetsOf(gateway),
          ([one]) => one?.kids.length === 2,
        );
        assert.deepEqual(set?.kids, ['good', `${'j'.repeat(200)}…`]);
        assert.match(set?.ignored[0] ?? '', /its "kid" has 900000 bytes, and at most 1024 are taken$/);
        assertHarmless(await textOf(gateway, '/status'), '/status');
        assertHarmless(logged(), 'the log');
        assert.equal(await outcome(gateway.port, token(key, 'good')), '200');
        assert.equal(await outcome(gateway.port, token(key, 'j'.repeat(1024))), '200');
      },
    ));

  for (const [what, document] of [
    [
      'the issuer it names',
      { issuer: `https://${orders}${'x'.repeat(500_000)}`, jwks_uri: 'https://a.example' },
    ],
    [
      'the address it names',
      { issuer: 'https://issuer.example', jwks_uri: `http://a.example/${'x'.repeat(500_000)}` },
    ],
  ] as const) {
    test(`is harmless in ${what}`, () =>
      withIssuer(
        (server) => {
          server.responses.set('/discovery', ok(JSON.stringify(document)));
          return { path: '/discovery' };
        },
        async ({ gateway, logged }) => {
          const [set] = await eventually(
            () => keySetsOf(gateway),
            ([one]) => (one?.lastError ?? null) !== null,
          );
          assertHarmless(set?.lastError ?? '', 'lastError');
          assertHarmless(await textOf(gateway, '/readyz'), '/readyz');
          assertHarmless(logged(), 'the log');
        },
      ));
  }
});
