import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { RouteConfig } from '../../src/config/config.ts';
import { issuer } from '../auth/support.ts';
import { start } from '../cli/program.ts';
import { eventually, type TestGateway } from '../support/gateway.ts';
import { rsaKey } from '../support/tokens.ts';
import { Wire } from '../support/wire.ts';
import {
  ask,
  type FetchedOptions,
  isReady,
  outcome,
  page,
  shownKeySets,
  startFetching,
  startUpstream,
  token,
} from './fetched-gateway.ts';
import { hang, jwk, keySet, keySetText, ScriptedIssuer, status } from './scripted-issuer.ts';
import { LogRecorder, remoteKeys } from './support.ts';

const [first, second] = [rsaKey(), rsaKey()];
const a = jwk(first, { kid: 'a', alg: 'RS256', use: 'sig' });
const b = jwk(second, { kid: 'b', alg: 'RS256', use: 'sig' });
const upstream = await startUpstream();
after(() => upstream.close());

interface Stand {
  readonly server: ScriptedIssuer;
  readonly gateway: TestGateway;
}

/** A gateway that has the key `a` from an issuer on loopback, during `use`. */
async function withGateway(
  options: Partial<FetchedOptions>,
  use: (stand: Stand) => Promise<void>,
): Promise<void> {
  const server = await ScriptedIssuer.start();
  server.keys = keySet(a);
  const gateway = await startFetching(upstream, { url: server.url(), ...options });
  try {
    await eventually(() => isReady(gateway), Boolean);
    await use({ server, gateway });
  } finally {
    await gateway.close();
    await server.close();
  }
}

describe('a gateway that fetches its keys', () => {
  test('shows them in /status and in its metrics', () =>
    withGateway({}, async ({ server, gateway }) => {
      server.keys = keySet(a, b, { ...b, kid: 'e', use: 'enc' });
      assert.equal(await outcome(gateway.port, token(second, 'b')), '200');
      const [shown] = await shownKeySets(gateway);
      assert.deepEqual(shown, {
        issuer: 'test',
        source: server.url(),
        kids: ['a', 'b'],
        ageSeconds: 0,
        nextRefreshSeconds: shown?.nextRefreshSeconds,
        lastError: null,
        ignored: ['keys[2] (kid "e") is ignored: its "use" is not sig'],
      });
      assert.ok((shown?.nextRefreshSeconds ?? 0) >= 3200);
      assert.match(
        (await page(gateway, '/metrics')).body,
        /^portcullis_keyset_age_seconds\{issuer="test"\} 0\./m,
      );
    }));

  test('keeps a token of a new key waiting for the key, then accepts it', () =>
    withGateway({}, async ({ server, gateway }) => {
      server.keys = keySet(b);
      assert.equal(await outcome(gateway.port, token(second, 'b')), '200');
      assert.equal(server.asked.length, 2);
    }));

  test('refuses the tokens of a removed key at once, known ones too', () =>
    withGateway({}, async ({ server, gateway }) => {
      const old = token(first, 'a');
      assert.equal(await outcome(gateway.port, old), '200');
      assert.equal(await outcome(gateway.port, old), '200');
      server.keys = keySet(b);
      assert.equal(await outcome(gateway.port, token(second, 'b')), '200');
      assert.equal(await outcome(gateway.port, old), '401 key_unknown');
      assert.equal(await outcome(gateway.port, token(first, 'a', { sub: 'other' })), '401 key_unknown');
    }));

  test('refuses the tokens of a key that was replaced under its name', () =>
    withGateway({}, async ({ server, gateway }) => {
      const old = token(first, 'a');
      assert.equal(await outcome(gateway.port, old), '200');
      server.keys = keySet({ ...jwk(second), kid: 'a' }, b);
      assert.equal(await outcome(gateway.port, token(second, 'b')), '200');
      assert.equal(await outcome(gateway.port, old), '401 signature_invalid');
      assert.equal(await outcome(gateway.port, token(second, 'a')), '200');
    }));

  test('keeps known tokens when a key is added', () =>
    withGateway({}, async ({ server, gateway }) => {
      const old = token(first, 'a');
      assert.equal(await outcome(gateway.port, old), '200');
      server.keys = keySet(a, b);
      assert.equal(await outcome(gateway.port, token(second, 'b')), '200');
      assert.equal(await outcome(gateway.port, old), '200');
      const misses = /^portcullis_token_cache_misses_total (\d+)$/m.exec(
        (await page(gateway, '/metrics')).body,
      );
      assert.equal(misses?.[1], '2');
    }));

  test('asks its issuer once for a thousand made-up keys, and answers all of them', () =>
    withGateway({}, async ({ server, gateway }) => {
      const outcomes = new Set<string>();
      for (let batch = 0; batch < 10; batch += 1) {
        const kids = Array.from({ length: 100 }, (_, index) => `made-up-${batch}-${index}`);
        const made = await Promise.all(kids.map((kid) => outcome(gateway.port, token(second, kid))));
        for (const one of made) outcomes.add(one);
      }
      assert.deepEqual([...outcomes], ['401 key_unknown']);
      assert.equal(server.asked.length, 2);
      assert.equal(await outcome(gateway.port, token(first, 'a')), '200');
    }));

  test('makes no fetch for a token of another issuer, audience or algorithm', () =>
    withGateway({}, async ({ server, gateway }) => {
      for (const claims of [{ iss: 'https://other' }, { aud: 'other' }]) {
        assert.match(
          await outcome(gateway.port, token(second, 'b', claims)),
          /^401 (issuer|audience)_mismatch$/,
        );
      }
      assert.equal(server.asked.length, 1);
    }));

  test('accepts tokens of known keys during a hanging fetch, while those of unknown keys wait', () =>
    withGateway({}, async ({ server, gateway }) => {
      let held: ServerResponse | undefined;
      server.keys = (response) => {
        held = response;
      };
      const waiting = await Wire.open(gateway.port);
      waiting.send(`GET / HTTP/1.1\r\nHost: app\r\nAuthorization: Bearer ${token(second, 'b')}\r\n\r\n`);
      await server.askedTimes(2);
      // A known token, a new one, and one that is known by now.
      const known = token(first, 'a');
      for (const bearer of [known, token(first, 'a', { sub: 'other' }), known]) {
        assert.equal(await outcome(gateway.port, bearer), '200');
      }
      assert.equal(waiting.pending, '');
      assert.equal(held?.writableEnded, false);
      held?.end(keySetText(a, b));
      assert.equal((await waiting.response()).status, 200);
      waiting.close();
    }));

  test('refuses a waiting token when the issuer does not respond in time', () =>
    withGateway({ remote: { timeoutMs: 100 } }, async ({ server, gateway }) => {
      server.keys = hang;
      assert.equal(await outcome(gateway.port, token(second, 'b')), '401 key_unknown');
      assert.equal(await outcome(gateway.port, token(first, 'a')), '200');
      const [shown] = await shownKeySets(gateway);
      assert.equal(shown?.lastError, `${server.url()} did not answer within 100 ms`);
    }));
});

describe('an issuer that is down', () => {
  test('at the start is named, its tokens get 503, and they are accepted when it comes up', async () => {
    const before = await ScriptedIssuer.start();
    const { port } = before;
    const url = before.url();
    await before.close();
    const gateway = await startFetching(upstream, {
      url,
      routes: [
        {},
        { name: '/open', match: { host: undefined, path: '/open', methods: undefined }, auth: 'none' },
      ],
    });
    const why = `it has no keys: ${url} cannot be reached (ECONNREFUSED)`;
    const bearer = token(first, 'a');
    try {
      const shown = await eventually(
        () => page(gateway, '/readyz'),
        ({ body }) => body.includes('ECONNREFUSED'),
      );
      assert.equal(shown.status, 503);
      assert.deepEqual(JSON.parse(shown.body), { ready: false, notReady: [{ what: 'issuer test', why }] });
      const refused = await ask(gateway.port, bearer);
      assert.equal(refused.status, 503);
      assert.equal((JSON.parse(refused.body) as { code: string }).code, 'keys_unavailable');
      assert.equal(refused.headers.get('retry-after'), '5');
      assert.equal(await outcome(gateway.port, 'no.token.at.all', '/open'), '200');
      assert.doesNotMatch((await page(gateway, '/metrics')).body, /keyset_age_seconds\{/);

      const server = await ScriptedIssuer.start({ port });
      server.keys = keySet(a);
      await eventually(() => isReady(gateway), Boolean);
      assert.equal(await outcome(gateway.port, bearer), '200');
      await server.close();
    } finally {
      await gateway.close();
    }
  });

  test('later changes nothing until its keys are too old; then its tokens get 503, known ones too', async () => {
    const log = new LogRecorder();
    const remote = { refreshMinMs: 50, refreshMaxMs: 100, staleMs: 4_000 };
    await withGateway({ remote, log }, async ({ server, gateway }) => {
      const bearer = token(first, 'a');
      assert.equal(await outcome(gateway.port, bearer), '200');
      server.keys = status(503);
      await eventually(
        () => shownKeySets(gateway),
        ([shown]) => shown?.lastError !== null,
      );
      assert.equal(await outcome(gateway.port, bearer), '200');
      assert.ok(await isReady(gateway));
      await eventually(
        () => isReady(gateway),
        (ready) => !ready,
      );
      assert.equal(await outcome(gateway.port, bearer), '503 keys_unavailable');
      server.keys = keySet(a);
      await eventually(() => isReady(gateway), Boolean);
      assert.equal(await outcome(gateway.port, bearer), '200');
      // The first keys may come before the address is bound.
      const [one = '', other = '', ...later] = log.take();
      assert.deepEqual([one, other].sort(), ['info listening for traffic', 'info the key set has changed']);
      assert.deepEqual(later, [
        'warn the keys cannot be fetched',
        'error the keys are too old and no longer in force',
        'info the key set has changed',
        'info the keys can be fetched again',
      ]);
    });
  });

  test('during a restart has its last good keys in force at once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
    const config = { state: join(folder, 'state') };
    const server = await ScriptedIssuer.start();
    server.keys = keySet(a);
    const url = server.url();
    const before = await startFetching(upstream, { url, config });
    await eventually(() => isReady(before), Boolean);
    await before.close();
    await server.close();

    const gateway = await startFetching(upstream, { url, config });
    try {
      assert.equal(await outcome(gateway.port, token(first, 'a')), '200');
      assert.ok(await isReady(gateway));
      assert.equal(await outcome(gateway.port, token(second, 'a')), '401 signature_invalid');
      const [shown] = await eventually(
        () => shownKeySets(gateway),
        ([seen]) => seen?.lastError !== null,
      );
      assert.deepEqual(shown?.kids, ['a']);
      assert.equal(shown?.lastError, `${url} cannot be reached (ECONNREFUSED)`);
    } finally {
      await gateway.close();
      rmSync(folder, { recursive: true });
    }
  });

  test('does not affect another issuer', async () => {
    const up = await ScriptedIssuer.start();
    up.keys = keySet(a);
    const down = await ScriptedIssuer.start();
    const rules = { issuer: 'https://issuer.example', audience: ['orders'], algorithms: ['RS256'], keys: [] };
    const issuers = new Map([
      ['up', issuer({ ...rules, name: 'up', remotes: [remoteKeys(up.url())] })],
      ['down', issuer({ ...rules, name: 'down', issuer: 'https://down', remotes: [remoteKeys(down.url())] })],
    ]);
    const routes: Partial<RouteConfig>[] = [{ auth: ['up', 'down'] }];
    const gateway = await startFetching(upstream, { url: up.url(), config: { issuers }, routes });
    try {
      const shown = await eventually(
        () => page(gateway, '/readyz'),
        ({ body }) => !body.includes('issuer up') && body.includes('status 404'),
      );
      assert.match(shown.body, /"what":"issuer down"/);
      assert.equal(await outcome(gateway.port, token(first, 'a')), '200');
      assert.equal(
        await outcome(gateway.port, token(first, 'a', { iss: 'https://down' })),
        '503 keys_unavailable',
      );
    } finally {
      await gateway.close();
      await up.close();
      await down.close();
    }
  });
});

test('the same kid at two issuers is two keys', async () => {
  const servers = [await ScriptedIssuer.start(), await ScriptedIssuer.start()] as const;
  servers[0].keys = keySet(jwk(first, { kid: 'same' }));
  servers[1].keys = keySet(jwk(second, { kid: 'same' }));
  const isses = ['https://one', 'https://two'] as const;
  const issuers = new Map(
    servers.map((server, index) => {
      const name = `issuer${index}`;
      const iss = isses[index as 0 | 1];
      const remote = remoteKeys(server.url());
      return [
        name,
        issuer({
          name,
          issuer: iss,
          audience: ['orders'],
          algorithms: ['RS256'],
          keys: [],
          remotes: [remote],
        }),
      ];
    }),
  );
  const routes: Partial<RouteConfig>[] = [
    { auth: ['issuer0', 'issuer1'] },
    { name: '/one', match: { host: undefined, path: '/one', methods: undefined }, auth: ['issuer0'] },
  ];
  const gateway = await startFetching(upstream, { url: servers[0].url(), config: { issuers }, routes });
  try {
    await eventually(() => isReady(gateway), Boolean);
    // Twice, because the second time the cache must not mix them up.
    for (let time = 0; time < 2; time += 1) {
      assert.equal(await outcome(gateway.port, token(first, 'same', { iss: isses[0] })), '200');
      assert.equal(await outcome(gateway.port, token(second, 'same', { iss: isses[1] })), '200');
      assert.equal(
        await outcome(gateway.port, token(first, 'same', { iss: isses[1] })),
        '401 signature_invalid',
      );
      assert.equal(
        await outcome(gateway.port, token(second, 'same', { iss: isses[0] })),
        '401 signature_invalid',
      );
      assert.equal(
        await outcome(gateway.port, token(second, 'same', { iss: isses[1] }), '/one'),
        '401 issuer_mismatch',
      );
    }
  } finally {
    await gateway.close();
    for (const server of servers) await server.close();
  }
});

test('the program ends by a signal during a hanging fetch', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  const server = await ScriptedIssuer.start();
  server.keys = hang;
  const file = join(folder, 'portcullis.yaml');
  const keys = { jwks: server.url(), timeout: '1m' };
  const config = {
    listen: '127.0.0.1:0',
    admin: '127.0.0.1:0',
    upstream: `http://127.0.0.1:${upstream.port}`,
    issuers: { app: { issuer: 'i', audience: 'a', algorithms: ['RS256'], keys } },
    state: 'state',
  };
  writeFileSync(file, JSON.stringify(config));
  const program = start(['start', '--config', file]);
  await program.printed(/"serving"/);
  await server.askedTimes(1);
  program.child.kill('SIGTERM');
  const { code, stderr } = await program.ended;
  assert.deepEqual([code, stderr], [0, '']);
  await server.close();
  rmSync(folder, { recursive: true });
});
