import { AuthCounters } from '../../src/auth/auth-counters.ts';
import { InlineVerification } from '../../src/auth/verify/inline.ts';
import { VerificationPool } from '../../src/auth/verify/pool.ts';
import { SignatureVerifier } from '../../src/auth/verify/signature.ts';
import type { Verification } from '../../src/auth/verify/verification.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Turn } from '../../src/lib/turn.ts';
import { rs256, rsaKey, secondsFromNow } from '../../test/support/tokens.ts';

// CPU microseconds for each RS256 token, hand-over included, by the number of simultaneous ones; baseline: the check
// alone.

const TOKENS = 2_048;
const ROUNDS = 5;

const key = rsaKey();
const material = { kind: 'public' as const, pem: key.pem };
const choice = { algorithm: 'RS256', keys: [{ id: 'k', kid: undefined, algorithms: ['RS256'], material }] };
const tokens = Array.from({ length: TOKENS }, (_, at) =>
  rs256(key, { sub: `${at}`, exp: secondsFromNow(600) }),
);

const cpuMicros = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

async function time(name: string, work: () => Promise<void> | void): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const start = cpuMicros();
    await work();
    if (round > 0) times.push((cpuMicros() - start) / TOKENS);
  }
  times.sort((a, b) => a - b);
  const median = times[times.length >> 1] as number;
  const range = `${times[0]?.toFixed(1)}–${times.at(-1)?.toFixed(1)}`;
  process.stdout.write(`  ${name.padEnd(44)} ${median.toFixed(1).padStart(6)} (${range}) µs\n`);
}

async function through(verification: Verification, atOnce: number): Promise<void> {
  for (let from = 0; from < TOKENS; from += atOnce) {
    const some = tokens.slice(from, from + atOnce);
    await new Promise<void>((resolve, reject) => {
      let left = some.length;
      for (const token of some) {
        const taken = verification.submit({
          token,
          choice,
          settle: (outcome) => {
            if (outcome !== 'valid') reject(new Error(outcome));
            left -= 1;
            if (left === 0) resolve();
          },
        });
        if (!taken) reject(new Error('there was no room'));
      }
    });
  }
}

process.stdout.write('a signature\n');
const verifier = new SignatureVerifier();
await time('the check alone', () => {
  for (const token of tokens)
    if (!verifier.verify(token, choice)) throw new Error('a good token was refused');
});
const inline = new InlineVerification(verifier, new AuthCounters(), systemClock, new Turn());
const pool = new VerificationPool(1, new AuthCounters());
await pool.start();
for (const atOnce of [1, 16, 64, 512]) {
  await time(`on the event loop, ${atOnce} at once`, () => through(inline, atOnce));
  await time(`by a thread, ${atOnce} at once`, () => through(pool, atOnce));
}
await pool.close();
