import { mayBeKey } from '../../keys/key-text.ts';
import type { PemSource } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import { readGuarded } from '../source/pem-source.ts';
import type { Findings } from './findings.ts';

/** How a message names the source. It shows no key material, and a path from the environment as the file has it. */
export function pemName(entry: string, source: PemSource, path: KeyPath, findings: Findings): string {
  if ('text' in source || mayBeKey(entry)) return 'the text';
  return findings.isSubstituted(path) ? findings.quote(path, entry) : source.file;
}

/** Runs `read`. Its error about the material or the file becomes a fault, and the result undefined. */
export function guardPem<Result>(
  path: KeyPath,
  name: string,
  findings: Findings,
  read: () => Result,
): Result | undefined {
  return readGuarded(read, (message) => findings.fault(path, `${name} ${message}`));
}
