import { createPublicKey } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { otherNames } from '../keys/algorithms.ts';
import { fitPublicKey } from '../keys/fit.ts';
import { sortJwks } from '../keys/jwks.ts';
import type { VerificationKey } from '../keys/key.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { foreignJson } from '../lib/foreign-text.ts';

export interface ReadKeySet {
  /** May be empty. */
  readonly keys: readonly VerificationKey[];
  /** The same keys, as the issuer published them, without anything but their public members. */
  readonly entries: readonly object[];
  /** One sentence for each entry that is not used. */
  readonly ignored: readonly string[];
}

/** Entries of a document that are reported one by one; the others are counted. */
const MAX_TOLD = 32;
/** Longest piece of a kid that is shown. */
const MAX_SHOWN = 64;

/**
 * Entries that are read in one turn of the event loop, some 2 ms: a set of a thousand must not keep requests that have
 * nothing to do with it waiting.
 */
const SLICE = 8;

/** Takes those public keys of a JWKS that an issuer's algorithms can use. Throws KeyError when it is no JWKS. */
export function readKeySet(text: string, algorithms: readonly string[]): ReadKeySet {
  const reading = read(text, algorithms);
  for (;;) {
    const step = reading.next();
    if (step.done === true) return step.value;
  }
}

/** The same in slices, between which everything else has its turn. Rejects with KeyError. */
export async function readKeySetInSlices(text: string, algorithms: readonly string[]): Promise<ReadKeySet> {
  const reading = read(text, algorithms);
  for (let entries = 1; ; entries += 1) {
    const step = reading.next();
    if (step.done === true) return step.value;
    if (entries % SLICE === 0) await setImmediate();
  }
}

function* read(text: string, algorithms: readonly string[]): Generator<void, ReadKeySet, void> {
  const { keys: found, ignored: unusable } = yield* sortJwks(text);
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
  const more = ignored.length - MAX_TOLD;
  if (more > 0) ignored.splice(MAX_TOLD, more, `and ${more} more`);
  return { keys: [...keys.values()], entries, ignored };
}

function entryOf({ pem, kid, algorithms }: PublicKey): object {
  return {
    ...createPublicKey(pem).export({ format: 'jwk' }),
    ...(kid === undefined ? {} : { kid }),
    ...(isNarrowed(algorithms) ? { alg: algorithms[0] } : {}),
  };
}

/** Whether all of them are names of one algorithm. */
function isNarrowed([first = '', ...others]: readonly string[]): boolean {
  return others.every((name) => otherNames(first).includes(name));
}

function nameOf({ kid, label }: PublicKey): string {
  if (kid === undefined) return `an ${label}`;
  return `the key with kid ${foreignJson(kid, MAX_SHOWN)}`;
}
