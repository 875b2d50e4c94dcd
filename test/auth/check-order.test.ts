import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { checkOf, checks } from '../../src/auth/checks.ts';
import { rejections } from '../../src/auth/rejections.ts';
import type { Revocations } from '../../src/auth/revocations.ts';
import { type Permit, type Rejection, stages } from '../../src/auth/verdict.ts';
import type { Reason } from '../../src/reasons.ts';
import { keyPair, signToken, type TestKey } from '../support/tokens.ts';
import { forward, issuer, publicKey, Setup } from './support.ts';

/** The parts of a request, or what a fault changes of them. */
interface Parts {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  /** JSON added after the members of the header, and of the claims. */
  readonly headerEnd?: string;
  readonly claimsEnd?: string;
  readonly signer?: TestKey;
  /** Text added before the token, and after it. */
  readonly scheme?: string;
  readonly end?: string;
  /** The Authorization headers. */
  readonly count?: number;
}

const key = keyPair('RS256');
const stranger = keyPair('RS256');

const revocations: Revocations = {
  version: 1,
  marks: (name, claims) => ({
    issuer: name,
    jti: String(claims['jti']),
    sub: undefined,
    sid: undefined,
    issuedAt: 0,
    application: undefined,
  }),
  cover: ({ jti }) => jti === 'revoked',
};

/** One fault for each rejection that a token can cause, in the order of the list. */
const faults: readonly (readonly [rejection: Rejection | string, changes: Parts])[] = [
  [rejections.ambiguous, { count: 2 }],
  [rejections.notBearer, { scheme: 'Basic ' }],
  [rejections.bearerMalformed, { scheme: 'Bearer x, ' }],
  [rejections.structure, { end: '.x' }],
  [rejections.headerMalformed, { headerEnd: ',"alg":"RS256"}' }],
  [rejections.algorithm, { header: { alg: 'RS384' } }],
  [rejections.payloadMalformed, { claimsEnd: ',"exp":1}' }],
  [rejections.issuer, { claims: { iss: 'https://stranger.example' } }],
  [rejections.audience, { claims: { aud: 'app-2' } }],
  [rejections.extension, { header: { crit: ['x'] } }],
  [rejections.keyUnknown, { header: { kid: 'unknown' } }],
  [rejections.signature, { signer: stranger }],
  [rejections.expired, { claims: { exp: 1 } }],
  [rejections.claimMissing, { claims: { tenant: undefined } }],
  [rejections.revoked, { claims: { jti: 'revoked' } }],
  [rejections.tokenType, { header: { typ: 'other' } }],
  ['scope_insufficient', { claims: { scope: 'other' } }],
  ['role_missing', { claims: { roles: ['other'] } }],
  [rejections.ruleMismatch, { claims: { plan: 'free' } }],
  [rejections.claimMismatch, { claims: { sub: 'x'.repeat(5000) } }],
];

const nameOf = (verdict: Permit | Rejection | string): string => {
  if (typeof verdict === 'string') return verdict;
  if (verdict.kind === 'permit') return 'permit';
  return Object.entries(rejections).find(([, one]) => one === verdict)?.[0] ?? verdict.reason;
};

/** HAProxy's order: faults that are found before the signature is verified are ordered by stage. */
function stageOf(rejection: Rejection | string): number {
  const last = stages.indexOf('signature');
  if (typeof rejection === 'string' || checkOf(rejection) > checkOf(rejections.signature)) return last + 1;
  return stages.indexOf(rejection.stage ?? 'rules');
}

const orders = {
  rfc6750: faults,
  // The sort is stable: within a stage the order of the list holds.
  haproxy: [...faults].sort(([a], [b]) => stageOf(a) - stageOf(b)),
} as const;

for (const [style, order] of Object.entries(orders)) {
  describe(`the order of the checks with rejection: ${style}`, () => {
    const setup = new Setup({
      issuers: [
        issuer({
          algorithms: ['RS256'],
          keys: [publicKey(key, ['RS256'], 'k1')],
          require: ['tenant'],
          tokenTypes: ['at+jwt'],
        }),
      ],
      haproxyOrder: style === 'haproxy',
      verifiers: 0,
      revocations,
    });
    const policy = setup.authorizer.policy({
      auth: ['main'],
      forward: forward({ 'X-User': 'sub' }),
      require: {
        scopes: { match: 'all', values: ['read'] },
        roles: { match: 'all', values: ['admin'] },
        claims: [{ kind: 'one-of', claim: 'plan', values: ['pro'] }],
      },
    });
    after(() => setup.authorizer.close());

    async function verdictOf(...changes: readonly Parts[]): Promise<string> {
      const parts: Required<Parts> = Object.assign(
        { headerEnd: '}', claimsEnd: '}', signer: key, scheme: 'Bearer ', end: '', count: 1 },
        ...changes,
      );
      const header = {
        ...{ alg: 'RS256', typ: 'at+jwt', kid: 'k1' },
        ...Object.assign({}, ...changes.map((one) => one.header)),
      };
      const claims = setup.claims({
        ...{ tenant: 't', jti: 'j', scope: 'read', roles: ['admin'], plan: 'pro' },
        ...Object.assign({}, ...changes.map((one) => one.claims)),
      });
      const texts = [
        JSON.stringify(claims).slice(0, -1) + parts.claimsEnd,
        JSON.stringify(header).slice(0, -1) + parts.headerEnd,
      ] as const;
      const value = parts.scheme + signToken('RS256', parts.signer, ...texts) + parts.end;
      return nameOf(await setup.askRaw(value, parts.count, policy));
    }

    test('a request without a fault passes', async () => assert.equal(await verdictOf(), 'permit'));

    for (const [at, [rejection, fault]] of order.entries()) {
      test(`${nameOf(rejection)} comes before every later fault`, async () => {
        assert.equal(await verdictOf(fault), nameOf(rejection));
        for (const [later, more] of order.slice(at + 1)) {
          // One value has one scheme.
          if (rejection === rejections.notBearer && later === rejections.bearerMalformed) continue;
          const name = `${nameOf(rejection)} and ${nameOf(later)}`;
          assert.equal(await verdictOf(fault, more), nameOf(rejection), name);
        }
      });
    }
  });
}

test('every check has a fault here, and the faults are in the order of the checks', () => {
  const places = faults.map(([one]) =>
    checkOf(typeof one === 'string' ? { kind: 'rejection', reason: one as Reason, stage: 'rules' } : one),
  );
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
  assert.deepEqual(new Set(places), new Set(checks.keys()));
});

test('every rejection of a token belongs to one check, in the same order', () => {
  const listed = checks.flatMap((check): readonly Rejection[] => check.rejections);
  // A route that denies every request looks at no token.
  const { denied, ...ofTokens } = rejections;
  assert.equal(denied.stage, undefined);
  assert.deepEqual(listed, Object.values(ofTokens));
});
