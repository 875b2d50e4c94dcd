import { createPublicKey } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { otherNames } from '../keys/algorithms.ts';
import { fitPublicKey } from '../keys/fit.ts';
import { readPublishedJwks } from '../keys/jwks.ts';
import type { VerificationKey } from '../keys/key.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { foreignJson } from '../lib/foreign-text.ts';

export interface ReadKeySet {
  /** May be empty. */
  readonly keys: readonly VerificationKey[];
  /** The same keys as the issuer published them, reduced to their public members. */
  readonly entries: readonly object[];
  /** One sentence for each unused entry. */
  readonly ignored: readonly string[];
}

/** Unused entries that are reported one by one; the others are counted. */
const MAX_REPORTED = 32;
/** Characters of a kid in a message. */
const MAX_SHOWN = 64;

/**
 * Entries that are read in one turn of the event loop, some 2 ms: requests must not wait for a set of a thousand keys.
 */
const SLICE = 8;

/** Reads the public keys of a JWKS that fit an issuer's algorithms. Throws KeyError for a text that is no JWKS. */
export function readKeySet(text: string, algorithms: readonly string[]): ReadKeySet {
  const reading = read(text, algorithms);
  for (;;) {
    const step = reading.next();
    if (step.done === true) return step.value;
  }
}

/** The same in slices; the event loop runs in between. Rejects with KeyError. */
export async function readKeySetInSlices(text: string, algorithms: readonly string[]): Promise<ReadKeySet> {
  const reading = read(text, algorithms);
  for (let entries = 1; ; entries += 1) {
    const step = reading.next();
    if (step.done === true) return step.value;
    if (entries % SLICE === 0) await setImmediate();
  }
}

function* read(text: string, algorithms: readonly string[]): Generator<void, ReadKeySet, void> {
  const { keys: found, ignored: unusable } = yield* readPublishedJwks(text);
  const keys = new Map<string, VerificationKey>();
  const entries: object[] = [];
  const ignored = [...unusable];
  for (const key of found) {
    const fitted = fitPublicKey(key, algorithms);
    if (fitted === undefined) ignored.push(`${nameOf(key)} is ignored: it fits none of the algorithms`);
    else {
      keys.set(JSON.stringify([fitted.id, fitted.kid]), fitted);
      entries.push(entryOf(key));
    }
    yield;
  }
  const more = ignored.length - MAX_REPORTED;
  if (more > 0) ignored.splice(MAX_REPORTED, more, `and ${more} more`);
  return { keys: [...keys.values()], entries, ignored };
}

function entryOf({ pem, kid, algorithms }: PublicKey): object {
  return {
    ...createPublicKey(pem).export({ format: 'jwk' }),
    ...(kid === undefined ? {} : { kid }),
    ...(isNarrowed(algorithms) ? { alg: algorithms[0] } : {}),
  };
}

/** Whether all names mean one algorithm. */
function isNarrowed([first = '', ...others]: readonly string[]): boolean {
  return others.every((name) => otherNames(first).includes(name));
}

function nameOf({ kid, label }: PublicKey): string {
  if (kid === undefined) return `an ${label}`;
  return `the key with kid ${foreignJson(kid, MAX_SHOWN)}`;
}
