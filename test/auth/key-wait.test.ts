import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Permit, Rejection } from '../../src/auth/verdict.ts';
import type { VerificationKey } from '../../src/keys/key.ts';
import { keyPair, rs256, rsaKey } from '../support/tokens.ts';
import { head, issuer, publicKey, Setup, verdictText } from './support.ts';

const first = rsaKey();
const second = rsaKey();
const keys: readonly VerificationKey[] = [publicKey(first, ['RS256'], 'first')];
const both: readonly VerificationKey[] = [...keys, publicKey(second, ['RS256'], 'second')];

/** An authorizer whose issuer has the first key, and whose request for newer keys the test completes. */
class Rotation {
  readonly setup: Setup;
  asked: string[] = [];
  attempt: Promise<void> | undefined;
  #arrive: () => void = () => {};

  constructor(given = keys) {
    this.attempt = new Promise((resolve) => {
      this.#arrive = resolve;
    });
    this.setup = new Setup({
      issuers: [issuer({ algorithms: ['RS256', 'ES256'], keys: given })],
      verifiers: 0,
      refetch: (name) => {
        this.asked.push(name);
        return this.attempt;
      },
    });
  }

  token(kid = 'second', changes: object = {}): string {
    const key = kid === 'first' ? first : second;
    return rs256(key, this.setup.claims({ ...changes }), { alg: 'RS256', kid });
  }

  /** Newer keys arrive, or the attempt ends without any. */
  async arrive(newer?: readonly VerificationKey[]): Promise<void> {
    if (newer !== undefined) this.setup.authorizer.setKeys('main', newer);
    this.#arrive();
    await this.attempt;
  }
}

describe('a token whose key is not known', () => {
  test('waits for newer keys, and is accepted with them', async () => {
    const rotation = new Rotation();
    const verdict = rotation.setup.verdict(rotation.token());
    await rotation.arrive(both);
    assert.equal(await verdict, 'permit');
    assert.deepEqual(rotation.asked, ['main']);
    assert.equal(rotation.setup.now(rotation.token('first', { jti: 'x' })), 'pending');
    await rotation.setup.authorizer.close();
  });

  test('is refused when the newer keys do not include it, and does not ask a second time', async () => {
    const rotation = new Rotation();
    const verdict = rotation.setup.verdict(rotation.token('third'));
    await rotation.arrive(both);
    assert.equal(await verdict, 'key_unknown signature');
    assert.deepEqual(rotation.asked, ['main']);
  });

  test('is refused at once when there is nothing to wait for', async () => {
    const rotation = new Rotation();
    rotation.attempt = undefined;
    assert.equal(await rotation.setup.verdict(rotation.token()), 'key_unknown signature');
    assert.deepEqual(rotation.asked, ['main']);
  });

  test('of an algorithm that no key has yet asks as well', async () => {
    const rotation = new Rotation();
    const key = keyPair('ES256');
    const text = rs256(second, rotation.setup.claims(), { alg: 'ES256', kid: 'ec' });
    const verdict = rotation.setup.verdict(text);
    await rotation.arrive([...keys, publicKey(key, ['ES256'], 'ec')]);
    assert.equal(await verdict, 'signature_invalid signature');
  });

  test('asks only if its issuer and audience fit, and its header is sound', async () => {
    const rotation = new Rotation();
    const { setup } = rotation;
    assert.equal(await setup.verdict(rotation.token('x', { iss: 'evil' })), 'issuer_mismatch issuer');
    assert.equal(await setup.verdict(rotation.token('x', { aud: 'other' })), 'audience_mismatch audience');
    const critical = rs256(second, setup.claims(), { alg: 'RS256', kid: 'x', crit: ['exp'] });
    assert.equal(await setup.verdict(critical), 'token_malformed signature');
    assert.deepEqual(rotation.asked, []);
  });

  test('of an issuer without any keys does not wait: it cannot be judged now', async () => {
    const rotation = new Rotation([]);
    assert.equal(await rotation.setup.verdict(rotation.token()), 'keys_unavailable signature');
    assert.deepEqual(rotation.asked, []);
  });

  test('gets no verdict after it was cancelled, neither during the wait nor during verification', async () => {
    const rotation = new Rotation();
    const heard: (Permit | Rejection)[] = [];
    const ask = (token: string) =>
      rotation.setup.authorizer.authorize(rotation.setup.policy, head(`Bearer ${token}`), {
        onVerdict: (verdict) => heard.push(verdict),
      });
    const [early, late] = [
      ask(rotation.token('second', { jti: 1 })),
      ask(rotation.token('second', { jti: 2 })),
    ];
    assert.ok(early.kind === 'pending' && late.kind === 'pending');
    early.cancel();
    const last = rotation.setup.verdict(rotation.token('second', { jti: 3 }));
    await rotation.arrive(both);
    late.cancel();
    assert.equal(await last, 'permit');
    assert.deepEqual(heard.map(verdictText), []);
  });

  test('is refused at once when 1024 wait already; one that leaves makes room', async () => {
    const rotation = new Rotation();
    const ask = () =>
      rotation.setup.authorizer.authorize(rotation.setup.policy, head(`Bearer ${rotation.token()}`), {
        onVerdict: () => undefined,
      });
    const waiting = Array.from({ length: 1024 }, ask);
    assert.ok(waiting.every(({ kind }) => kind === 'pending'));
    assert.equal(ask().kind, 'rejection');
    const [one] = waiting;
    assert.ok(one?.kind === 'pending');
    one.cancel();
    one.cancel();
    assert.equal(ask().kind, 'pending');
    assert.equal(ask().kind, 'rejection');
  });
});

describe('a key that is added', () => {
  test('does not void what is cached', async () => {
    const rotation = new Rotation();
    rotation.attempt = undefined;
    const old = rotation.token('first');
    assert.equal(await rotation.setup.verdict(old), 'permit');
    rotation.setup.authorizer.setKeys('main', both);
    assert.equal(verdictText(rotation.setup.now(old) as Permit), 'permit');
    rotation.setup.authorizer.setKeys('main', [publicKey(second, ['RS256'], 'second')]);
    assert.equal(await rotation.setup.verdict(old), 'key_unknown signature');
  });
});
