import type { RequestHead } from '../../src/http/message.ts';
import { head } from '../../test/auth/support.ts';
import { rs256, secondsFromNow } from '../../test/support/tokens.ts';
import { authorizerOf, ISSUER, issuerWith, key, policyOf } from './signing.ts';
import { compare } from './timing.ts';

// Finding known tokens; baseline: the header's value as a string, which the engine makes anew for each request.

const TOKENS = 1000;
const CALLS = 500_000;
const AUDIENCE = '63b73f76-7400-487d-b122-5705b848da80';
const authorizer = authorizerOf([issuerWith('main', [AUDIENCE])], 1);
const policy = policyOf(authorizer, ['main']);
const raw = Array.from({ length: TOKENS }, (_, n) =>
  Buffer.from(
    `Bearer ${rs256(
      key,
      {
        aud: AUDIENCE,
        exp: secondsFromNow(3600),
        iat: secondsFromNow(0),
        iss: ISSUER,
        sub: `user-${n}-81c9a1d0-6a2b`,
        jti: `0f3f0a7e-${n}`,
        authenticationType: 'PASSWORD',
        email: `user${n}@example.com`,
        email_verified: true,
        applicationId: AUDIENCE,
        roles: ['reader', 'writer'],
      },
      { alg: 'RS256', typ: 'JWT', kid: 'fYW0nK0-1rT4sJgq3l6Qf9aW2xE' },
    )}`,
    'latin1',
  ),
);
await authorizer.start();
await Promise.all(
  raw.map(
    (bytes) =>
      new Promise<void>((resolve, reject) => {
        const verdict = authorizer.authorize(policy, head(bytes.toString('latin1')), {
          onVerdict: (verdict) => (verdict.kind === 'permit' ? resolve() : reject(new Error(verdict.reason))),
        });
        if (verdict.kind !== 'pending') reject(new Error(verdict.kind));
      }),
  ),
);

const order = new Uint32Array(CALLS).map(() => Math.floor(Math.random() * TOKENS));
const waiter = { onVerdict: () => undefined };
let at = 0;
const next = (): RequestHead => {
  at = (at + 1) % CALLS;
  return head((raw[order[at] as number] as Buffer).toString('latin1'));
};
compare('a known token', CALLS, {
  'the value as a string': () => next().authorizationCount,
  'looked up, every rule checked': () =>
    authorizer.authorize(policy, next(), waiter).kind === 'permit' ? 1 : Number.NaN,
});
await authorizer.close();
