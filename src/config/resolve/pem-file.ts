import { mayBeKey } from '../../keys/key-text.ts';
import type { ServerCertificate } from '../../keys/tls-certificate.ts';
import type { CertificateSource, PemSource } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import { pemSource, readCertificate, readGuarded, readPem } from '../source/pem-source.ts';
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

/** The entries of a certificate and its key, as the file has them. */
interface PairEntries {
  readonly cert: string;
  /** Undefined: beside the chain. */
  readonly key?: string | undefined;
  readonly passphrase?: string | undefined;
}

/** The places of both, for messages. */
interface PairPaths {
  readonly cert: KeyPath;
  readonly key: KeyPath;
}

/** Reads a certificate and its key. Undefined for a fault, which goes to the findings. */
export function readPair(
  { cert, key, passphrase }: PairEntries,
  paths: PairPaths,
  folder: string,
  findings: Findings,
):
  | { readonly read: ServerCertificate; readonly name: string; readonly source: CertificateSource }
  | undefined {
  const keySource = key === undefined ? undefined : pemSource(key, folder);
  const source = { cert: pemSource(cert, folder), key: keySource, passphrase };
  // A fault of the key file is told at the key, so it is read by itself first.
  if (key !== undefined && keySource !== undefined) {
    const name = pemName(key, keySource, paths.key, findings);
    if (guardPem(paths.key, name, findings, () => readPem(keySource)) === undefined) return undefined;
  }
  const name = pemName(cert, source.cert, paths.cert, findings);
  const read = guardPem(paths.cert, name, findings, () => readCertificate(source));
  return read && { read, name, source };
}
