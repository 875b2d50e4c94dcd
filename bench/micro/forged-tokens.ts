import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AuthCounters } from '../../src/auth/auth-counters.ts';
import { Authorizer } from '../../src/auth/authorizer.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { RequestHead } from '../../src/types.ts';
import { rsaKey } from '../../test/support/tokens.ts';

// CPU of one made-up token, from the Authorization value to its refusal, by what it is made of; baseline: a usual one,
// whose signature is checked. No shape may cost twice as much.

const TOKENS = 128;
const ROUNDS = 5;
const ISSUER = 'https://issuer.example';
const AUDIENCE = '63b73f76-7400-487d-b122-5705b848da80';
/** Characters of the longest token that is not refused for its length. */
const MAX_TOKEN = 16 * 1024 - 1;

setFlagsFromString('--expose-gc');
/** What the making of tokens has left is not to be cleared away while their refusal is measured. */
const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void;

const key = rsaKey();
const authorizer = new Authorizer({
  issuers: new Map([
    [
      'main',
      {
        name: 'main',
        issuer: ISSUER,
        audience: [AUDIENCE],
        expiry: 'required' as const,
        algorithms: ['RS256'],
        keys: [
          {
            id: 'k',
            kid: undefined,
            algorithms: ['RS256'],
            material: { kind: 'public' as const, pem: key.pem },
          },
        ],
        audienceMatch: 'any' as const,
        clockToleranceMs: 0,
        require: [],
        maxAgeMs: Number.POSITIVE_INFINITY,
        tokenTypes: undefined,
        rejectIdTokens: false,
        rolesClaim: 'roles',
      },
    ],
  ]),
  cache: { entries: 100_000, bytes: 256 * 1024 * 1024 },
  verifiers: 0,
  haproxyOrder: false,
  clock: systemClock,
  counters: new AuthCounters(),
});
const access = authorizer.access({
  auth: ['main'],
  forward: { headers: new Map([['X-User-Id', 'sub']]), token: 'keep', forwarded: new Set() },
});

const encode = (text: string): string => Buffer.from(text).toString('base64url');
const random = (): string => randomBytes(6).toString('base64url');
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
const claims = JSON.stringify({ ...usual }).slice(0, -1);
const header = '{"alg":"RS256","typ":"JWT"';

/** Pieces joined until the text would be longer than `room` bytes, or there are `most`. */
function fill(room: number, piece: () => string, most = Number.POSITIVE_INFINITY): string {
  const pieces: string[] = [];
  for (let length = 0; pieces.length < most; ) {
    const next = piece();
    length += Buffer.byteLength(next) + 1;
    if (length > room) break;
    pieces.push(next);
  }
  return pieces.join();
}

/** Of the JSON that a token has room for beside the usual members: three quarters of what base64url leaves. */
const ROOM = Math.floor((MAX_TOKEN * 3) / 4) - 900;
type Shape = (room: number) => string;
const text =
  (piece: string): Shape =>
  (room) =>
    `"x":"${piece.repeat(Math.floor((room - 8) / Buffer.byteLength(piece)))}"`;
const list =
  (piece: () => string, most?: number): Shape =>
  (room) =>
    `"x":[${fill(room - 8, piece, most)}]`;
/** As many pieces as the limits allow, and a long text for the rest of the room. */
const padded =
  (shape: Shape): Shape =>
  (room) => {
    const some = shape(room);
    const rest = room - Buffer.byteLength(some) - 8;
    return rest > 0 ? `${some},"p":"${'p'.repeat(rest)}"` : some;
  };

const shapes: Readonly<Record<string, Shape>> = {
  'a long text': text('x'),
  'a text of quotes': text('\\"'),
  'a text of line feeds': text('\\n'),
  'a text of escapes': text('\\u4e00'),
  'a text of Latin letters': text('é'),
  'a text of Chinese letters': text('一'),
  'a text of emoji': text('😀'),
  'white space': (room) => `"x":1${' '.repeat(room - 6)}`,
  '495 new names': padded((room) => fill(room, () => `"${random()}":0`, 495)),
  '495 short names': padded((room) => fill(room, () => `"${random().slice(0, 3)}":0`, 495)),
  '495 names with escapes': padded((room) => fill(room, () => `"\\u0069\\u0073${random()}":0`, 495)),
  '495 names that are nearly iss': padded((room) => fill(room, () => `"\\u0069\\u0073x":0`, 495)),
  '495 small objects': padded(list(() => `{"${random()}":0}`, 495)),
  '495 empty objects': padded(list(() => '{}', 495)),
  '495 empty lists': padded(list(() => '[]', 495)),
  '900 small objects, beyond the limit': list(() => `{"${1000 + Math.floor(Math.random() * 1000)}":0}`),
  'lists in lists': padded(() => `"x":${'['.repeat(31)}${']'.repeat(31)}`),
  '2,000 short texts': padded(list(() => `"${random().slice(0, 3)}"`, 2000)),
  '2,000 digits': padded(list(() => '1', 2000)),
  '2,000 numbers': padded(list(() => '1e308', 2000)),
  'long numbers': list(() => `0.${'1234567890'.repeat(70)}`),
  'one number': (room) => `"x":${'1234567890'.repeat(Math.floor(room / 10) - 1)}`,
};
/** In the place of the usual `aud`. */
const audiences: Readonly<Record<string, Shape>> = {
  '1,900 audiences': (room) =>
    `"aud":["${AUDIENCE}",${fill(room - 60, () => `"${random().slice(0, 3)}"`, 1900)}]`,
  'audiences that are nearly right': (room) =>
    `"aud":["${AUDIENCE}",${fill(room - 60, () => `"${AUDIENCE.slice(0, -1)}x"`)}]`,
  'audiences with escapes': (room) => `"aud":["${AUDIENCE}",${fill(room - 60, () => '"\\n"', 1900)}]`,
};

const made: Record<string, () => [header: string, payload: string]> = {
  'a usual one': () => [`${header}}`, `${claims},"jti2":"${random()}"}`],
};
for (const [name, shape] of Object.entries(shapes)) {
  made[name] = () => [`${header}}`, `${claims},${shape(ROOM)}}`];
  made[`${name}, in the header`] = () => [`${header},${shape(ROOM)}}`, `${claims}}`];
}
for (const [name, shape] of Object.entries(audiences)) {
  made[name] = () => [
    `${header}}`,
    `${JSON.stringify({ ...usual, aud: undefined }).slice(0, -1)},${shape(ROOM)}}`,
  ];
}
for (const kid of ['k', '一', '\\u4e00', '\\n']) {
  made[`kid of 3 KiB of ${kid}`] = () => [
    `${header},"kid":"${kid.repeat(Math.floor(3000 / Buffer.byteLength(kid)))}"}`,
    `${claims},${text('x')(ROOM - 3100)}}`,
  ];
}

const none: readonly string[] = [];
const headOf = (authorization: string): RequestHead => ({
  method: 'GET',
  path: '/',
  query: undefined,
  names: none,
  values: none,
  host: 'localhost',
  authorization,
  authorizationCount: 1,
  framing: 'none',
  contentLength: 0,
  close: false,
  fault: undefined,
});

function tokensOf(make: () => [string, string]): Buffer[] {
  return Array.from({ length: TOKENS }, () => {
    const signature = randomBytes(256);
    // Below any modulus, so that the key is put to work.
    signature[0] = 0;
    const [first, second] = make();
    const value = `Bearer ${encode(first)}.${encode(second)}.${signature.toString('base64url')}`;
    if (value.length - 7 > MAX_TOKEN) throw new Error(`a token of ${value.length} characters`);
    return Buffer.from(value, 'latin1');
  });
}

async function refuseAll(tokens: readonly Buffer[], reasons: Set<string>): Promise<void> {
  await Promise.all(
    tokens.map(
      (bytes) =>
        new Promise<void>((resolve, reject) => {
          const onVerdict = (verdict: { readonly kind: string; readonly reason?: string }): void => {
            if (verdict.kind === 'permit') reject(new Error('a forged token was let in'));
            reasons.add(verdict.reason ?? '');
            resolve();
          };
          const answer = authorizer.authorize(access, headOf(bytes.toString('latin1')), { onVerdict });
          if (answer.kind !== 'pending') onVerdict(answer);
        }),
    ),
  );
}

async function micros(make: () => [string, string]): Promise<readonly [number, string]> {
  const times: number[] = [];
  const reasons = new Set<string>();
  for (let round = 0; round <= ROUNDS; round += 1) {
    const tokens = tokensOf(make);
    collect({ type: 'minor' });
    const start = process.cpuUsage();
    await refuseAll(tokens, reasons);
    const { user, system } = process.cpuUsage(start);
    if (round > 0) times.push((user + system) / TOKENS);
  }
  times.sort((a, b) => a - b);
  return [times[times.length >> 1] as number, [...reasons].join()];
}

await authorizer.start();
// Twice: the first is measured with code that is still being compiled.
await micros(made['a usual one'] as () => [string, string]);
const [baseline] = await micros(made['a usual one'] as () => [string, string]);
const rows: [name: string, time: number, reason: string][] = [];
const words = process.argv.slice(2);
const chosen = Object.entries(made).filter(
  ([name]) => words.length === 0 || words.some((word) => name.includes(word)),
);
for (const [name, make] of chosen) rows.push([name, ...(await micros(make))]);
rows.sort((a, b) => b[1] - a[1]);
process.stdout.write(`a made-up token; a usual one takes ${baseline.toFixed(1)} µs\n`);
for (const [name, time, reason] of rows) {
  process.stdout.write(
    `  ${name.padEnd(52)} ${time.toFixed(1).padStart(7)} µs, ${(time / baseline).toFixed(2)} × ${reason}\n`,
  );
}
await authorizer.close();
