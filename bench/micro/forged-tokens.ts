import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Policy } from '../../src/auth/policy/policy.ts';
import { head } from '../../test/auth/support.ts';
import {
  AUDIENCE,
  audienceShapes,
  claimShapes,
  fullHeaderShapes,
  headerShapes,
  random,
  type Shape,
} from './forged-shapes.ts';
import { authorizerOf, ISSUER, issuerWith, policyOf } from './signing.ts';

// CPU of one forged token by its content; baseline: a usual one, whose signature is checked. No shape may cost twice as
// much. The count is what the process uses from the Authorization value to the refusal: the value as a string, the
// authorizer, the RSA check on the same thread and the collector. It leaves out the fixed cost of any request, from the
// socket to the value and from the refusal to the reply, so requests differ less than their tokens do.
// Each round measures every shape once, so that a busy machine favours none: taskset -c 1 node …

/** Tokens that wait at a time, so few that they stay in the processor's cache as those from a socket do. */
const TOKENS = 16;
/** Repetitions in one round, each time with other signatures. */
const TIMES = 6;
const ROUNDS = 11;
/** Characters of the longest token that is not refused for its length. */
const MAX_TOKEN = 16 * 1024 - 1;
const SIGNATURE = 256;

setFlagsFromString('--expose-gc');
/** Garbage of the token maker must not be collected during the measurement of the refusal. */
const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void;

/** Names as long as the right one, all of them wrong. */
const others = (count: number): string[] =>
  Array.from({ length: count }, () => `${randomBytes(17).toString('hex')}ab`);
const issuers = [
  issuerWith('main', [AUDIENCE]),
  // One issuer with an entry for each of a company's applications.
  ...Array.from({ length: 30 }, (_, n) => issuerWith(`many${n}`, n < 29 ? others(2) : [AUDIENCE])),
  issuerWith('long', [...others(49), AUDIENCE]),
];
const authorizer = authorizerOf(issuers, 0);
const plain = policyOf(authorizer, ['main']);
const many = policyOf(
  authorizer,
  issuers.map(({ name }) => name).filter((name) => name.startsWith('many')),
);
const long = policyOf(authorizer, ['long']);

const encode = (text: string): string => Buffer.from(text).toString('base64url');
const usual = {
  aud: AUDIENCE,
  exp: 9_999_999_999,
  iat: 1_700_000_000,
  iss: ISSUER,
  sub: 'user-81c9a1d0-6a2b',
  jti: '0f3f0a7e',
  email: 'user@example.com',
  email_verified: true,
  roles: ['reader', 'writer'],
};
const claims = JSON.stringify(usual).slice(0, -1);
const claimsWithoutAudience = JSON.stringify({ ...usual, aud: undefined }).slice(0, -1);
const header = '{"alg":"RS256","typ":"JWT"';
/** The share of the JSON in a token beside the usual members: three quarters of base64url's length. */
const ROOM = Math.floor((MAX_TOKEN * 3) / 4) - 900;

type Make = () => readonly [header: string, payload: string];
const withClaims =
  (shape: Shape): Make =>
  () => [`${header}}`, `${claims},${shape(ROOM)}}`];
const withHeader =
  (shape: Shape): Make =>
  () => [`${header},${shape(ROOM)}}`, `${claims}}`];
const withBoth =
  (shape: Shape, headerShape: Shape, headerRoom: number): Make =>
  () => [`${header},${headerShape(headerRoom)}}`, `${claims},${shape(ROOM - headerRoom)}}`];
const withAudiences =
  (shape: Shape): Make =>
  () => [`${header}}`, `${claimsWithoutAudience},${shape(ROOM)}}`];
const usualOne: Make = () => [`${header}}`, `${claims},"jti2":"${random()}"}`];

const made: [name: string, policy: Policy, make: Make][] = [];
for (const [name, shape] of Object.entries(claimShapes)) {
  made.push([name, plain, withClaims(shape)]);
  const beside = headerShapes[name];
  if (beside !== undefined) made.push([`${name}, in the header`, plain, withHeader(beside)]);
  if (beside !== undefined) made.push([`${name}, in both`, plain, withBoth(shape, beside, 3000)]);
}
for (const [name, shape] of Object.entries(fullHeaderShapes)) {
  made.push([`${name}, too many in the header`, plain, withHeader(shape)]);
}
for (const [name, shape] of Object.entries(audienceShapes)) {
  for (const [kind, policy] of Object.entries({ plain, many, long })) {
    made.push([`${name} (${kind})`, policy, withAudiences(shape)]);
  }
}
for (const kid of ['k', '一', '\\u4e00', '\\n']) {
  for (const size of [900, 3000, 6000, 11_000]) {
    const member = `"kid":"${kid.repeat(Math.floor(size / Buffer.byteLength(kid)))}"`;
    made.push([
      `kid of ${size} bytes of ${kid}`,
      plain,
      () => [`${header},${member}}`, `${claims},${claimShapes['a long text']?.(ROOM - size - 60)}}`],
    ]);
  }
}
made.push(['alg of 11 KB', plain, () => [`{"alg":"${'R'.repeat(ROOM)}"}`, `${claims}}`]]);
made.push(['an iss of 11 KB', plain, () => [`${header}}`, `${claims.replace(ISSUER, 'x'.repeat(ROOM))}}`]]);

/** Signs anew, because a token that was refused once may be known the next time. */
function sign(value: Buffer): void {
  const signature = randomBytes(SIGNATURE);
  // Below any modulus, so that the check uses the key.
  signature[0] = 0;
  const text = signature.toString('base64url');
  value.write(text, value.length - text.length, 'latin1');
}

function authorizationOf(make: Make): Buffer {
  const [first, second] = make();
  const signature = Buffer.alloc(SIGNATURE).toString('base64url');
  const value = `Bearer ${encode(first)}.${encode(second)}.${signature}`;
  if (value.length - 7 > MAX_TOKEN) throw new Error(`a token of ${value.length} characters`);
  return Buffer.from(value, 'latin1');
}

async function refuseAll(values: readonly Buffer[], policy: Policy, reasons: Set<string>): Promise<void> {
  await Promise.all(
    values.map(
      (bytes) =>
        new Promise<void>((resolve, reject) => {
          const onVerdict = (verdict: { readonly kind: string; readonly reason?: string }): void => {
            if (verdict.kind === 'permit') reject(new Error('a forged token was let in'));
            reasons.add(verdict.reason ?? '');
            resolve();
          };
          const verdict = authorizer.authorize(policy, head(bytes.toString('latin1')), { onVerdict });
          if (verdict.kind !== 'pending') onVerdict(verdict);
        }),
    ),
  );
}

class Row {
  readonly name: string;
  readonly policy: Policy;
  readonly reasons = new Set<string>();
  readonly #values: readonly Buffer[];
  readonly #times: number[] = [];

  constructor(name: string, policy: Policy, make: Make) {
    this.name = name;
    this.policy = policy;
    this.#values = Array.from({ length: TOKENS }, () => authorizationOf(make));
  }

  async measure(): Promise<void> {
    collect({ type: 'minor' });
    let sum = 0;
    for (let time = 0; time <= TIMES; time += 1) {
      for (const value of this.#values) sign(value);
      const start = process.cpuUsage();
      await refuseAll(this.#values, this.policy, this.reasons);
      const { user, system } = process.cpuUsage(start);
      // Not the first time, which takes them from the cache.
      if (time > 0) sum += user + system;
    }
    this.#times.push(sum / TIMES / TOKENS);
  }

  forget(): void {
    this.#times.length = 0;
  }

  /** Microseconds of the process for one token: the median of the rounds. */
  get time(): number {
    return [...this.#times].sort((a, b) => a - b)[this.#times.length >> 1] as number;
  }
}

await authorizer.start();
const words = process.argv.slice(2);
const baselines = [plain, many, long].map((policy) => new Row('a usual one', policy, usualOne));
const rows = made
  .filter(([name]) => words.length === 0 || words.some((word) => name.includes(word)))
  .map(([name, policy, make]) => new Row(name, policy, make));
const all = [...baselines, ...rows];
// Two warm-ups: the measured code is compiled, and has met every shape.
for (const row of [...all, ...all]) await row.measure();
for (const row of all) row.forget();
for (let round = 0; round < ROUNDS; round += 1) for (const row of all) await row.measure();
const baselineOf = (row: Row): number => (baselines.find(({ policy }) => policy === row.policy) as Row).time;
rows.sort((a, b) => b.time / baselineOf(b) - a.time / baselineOf(a));
const times = baselines.map(({ time }) => time.toFixed(1)).join(', ');
process.stdout.write(
  `a made-up token; a usual one takes ${times} µs with 1 issuer, 30 issuers, 50 audiences\n`,
);
for (const row of rows) {
  const ratio = row.time / baselineOf(row);
  process.stdout.write(
    `  ${row.name.padEnd(52)} ${row.time.toFixed(1).padStart(7)} µs, ${ratio.toFixed(2)} × ${[...row.reasons].join()}\n`,
  );
}
await authorizer.close();
