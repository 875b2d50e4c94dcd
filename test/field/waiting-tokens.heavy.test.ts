// Source: an adversarial review: 2,500 waiting tokens of small JSON objects took thirteen times their bytes.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { head, issuer, publicKey, Setup } from '../auth/support.ts';
import { keyPair } from '../support/tokens.ts';

const TOKENS = 2500;
const MOST = 3;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const key = keyPair('RS256');

async function memory(): Promise<number> {
  // Garbage of an earlier test is freed after its turn.
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const fresh = (): string => randomBytes(6).toString('base64url');
const list = (count: number, item: () => unknown): unknown[] => Array.from({ length: count }, item);
/** As many parts as the limits of structure allow. */
const shapes: Readonly<Record<string, () => [header: object, claims: Record<string, unknown>]>> = {
  'many small objects': () => [{}, { x: list(165, () => ({ [fresh()]: 0 })) }],
  'many members': () => [{}, Object.fromEntries(list(220, () => [fresh(), 0]) as [string, number][])],
  'many numbers': () => [{}, { x: list(340, () => 1.5) }],
  'a long text': () => [{}, { x: 'x'.repeat(11_000) }],
  'a long text beyond Latin': () => [{}, { x: '\u4e00'.repeat(3500) }],
  'a long kid': () => [{ kid: `\u4e00${'k'.repeat(11_000)}` }, {}],
  'a long type': () => [{ typ: `\u4e00${'t'.repeat(11_000)}` }, {}],
  'a usual size': () => [{}, { email: 'user@example.com', roles: ['reader', 'writer'], jti: fresh() }],
};

for (const [name, make] of Object.entries(shapes)) {
  test(`${TOKENS} waiting tokens of ${name} take at most ${MOST} times their bytes`, async (context) => {
    const setup = new Setup({
      issuers: [issuer({ algorithms: ['RS256'], keys: [publicKey(key, ['RS256'])] })],
      headers: { 'X-User': 'sub', 'X-More': 'x' },
    });
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const value = (): string => {
      const [header, claims] = make();
      const input = `${part({ alg: 'RS256', ...header })}.${part(setup.claims(claims))}`;
      return `Bearer ${input}.${randomBytes(256).toString('base64url')}`;
    };
    const onVerdict = (): void => undefined;
    // One-time memory is allocated.
    setup.authorizer.authorize(setup.policy, head(value()), { onVerdict });
    // In memory of its own, as the engine hands it out; the bytes are counted, and the test does not keep the text.
    const tokens = Array.from({ length: TOKENS }, () => Buffer.from(value()));
    const bytes = tokens.reduce((sum, { length }) => sum + length, 0);
    const before = await memory();
    for (const token of tokens) {
      const response = setup.authorizer.authorize(setup.policy, head(token.toString('latin1')), {
        onVerdict,
      });
      assert.equal(response.kind, 'pending');
    }
    const grown = (await memory()) - before;
    context.diagnostic(`${(grown / bytes).toFixed(2)} times ${(bytes / TOKENS).toFixed(0)} bytes`);
    // They count in both measurements.
    assert.equal(tokens.length, TOKENS);
    assert.equal(setup.authorizer.queueDepth, TOKENS + 1);
    assert.ok(grown > bytes / 2, `${grown} bytes: the tokens themselves were not seen`);
    assert.ok(grown <= MOST * bytes, `${grown} bytes for ${bytes}`);
    await setup.authorizer.close();
  });
}
