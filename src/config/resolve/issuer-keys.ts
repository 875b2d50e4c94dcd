import { isAbsolute, join } from 'node:path';
import { isSymmetric, algorithms as knownAlgorithms } from '../../keys/algorithms.ts';
import { datesObstacle } from '../../keys/certificate-dates.ts';
import { fitPublicKey, fitSecret } from '../../keys/fit.ts';
import { parseJwks } from '../../keys/jwks.ts';
import type { VerificationKey } from '../../keys/key.ts';
import { KeyError } from '../../keys/key-error.ts';
import { mayBeKey, pemTextOf } from '../../keys/key-text.ts';
import { parsePem } from '../../keys/pem.ts';
import type { PublicKey } from '../../keys/public-key.ts';
import { checkSecret } from '../../keys/secret.ts';
import { systemClock } from '../../lib/clock.ts';
import { foreignJson } from '../../lib/foreign-text.ts';
import type { KeyPath } from '../fault.ts';
import type { FileKeys, FileSecret } from '../schema/keys.ts';
import { FileError, readTextFile } from '../source/text-file.ts';
import type { Findings } from './findings.ts';
import { algorithmPath, type KeySource } from './key-sources.ts';
import { isUrl } from './remote-keys.ts';
import { resolveSecret } from './secret.ts';

/** Bytes of a key file; a key set of a thousand RSA keys has half as many. */
const MAX_KEY_FILE_BYTES = 1024 * 1024;
/** Characters of a kid in a message. */
const MAX_SHOWN = 64;
const SOURCES = ['pem', 'jwks', 'discovery', 'secret'] as const;

/** The keys of one file, or of a text in the configuration. */
interface ReadKeys {
  readonly path: KeyPath;
  readonly keys: readonly PublicKey[];
  /** A key set may hold keys for other algorithms; in a PEM file they are a mistake. */
  readonly isSet: boolean;
}

/** Reads the keys of a source and fits them to its algorithms. Faults go to the findings; the result may be empty then. */
export function resolveKeys(
  source: KeySource,
  folder: string,
  findings: Findings,
): readonly VerificationKey[] {
  const faultsBefore = findings.faults.length;
  const { keys, path, algorithms } = source;
  const given = chooseSource(keys, path, findings);
  if (keys === undefined || given === undefined) return [];
  if (given === 'secret') return resolveSecretKey(source, keys.secret ?? '', findings);

  const sources = given === 'pem' ? readPems(keys.pem, [...path, 'pem'], folder, findings) : [];
  if (given === 'jwks' && keys.jwks !== undefined && !isUrl(keys.jwks)) {
    const read = readJwks(keys.jwks, [...path, 'jwks'], folder, findings);
    if (read !== undefined) sources.push(read);
  }
  for (const name of algorithms) {
    if (isSymmetric(name)) {
      findings.fault(
        algorithmPath(source, name),
        `${name} is for a shared secret, and everybody who has the public key could sign with it; must be an algorithm for public keys such as RS256`,
      );
    }
  }
  const fitted = fit(sources, algorithms);
  // With an unreadable file or an unknown algorithm it is unknown which keys fit.
  const isComplete =
    sources.length > 0 &&
    findings.faults.length === faultsBefore &&
    algorithms.length === source.written?.length;
  if (isComplete) refuseMisfits(source, sources, findings);
  return fitted;
}

function chooseSource(
  keys: FileKeys | undefined,
  path: KeyPath,
  findings: Findings,
): (typeof SOURCES)[number] | undefined {
  if (findings.wasWrong(path)) return undefined;
  const given = SOURCES.filter((name) => keys?.[name] !== undefined || findings.wasWrong([...path, name]));
  if (given.length > 1) {
    findings.fault(path, `has ${given.join(' and ')}; must have exactly one of ${SOURCES.join(', ')}`, 'key');
  }
  if (given.length === 0 && !findings.wasWrongInside(path))
    findings.missing(path, `a mapping with exactly one of ${SOURCES.join(', ')}`);
  return given.length === 1 ? given[0] : undefined;
}

function resolveSecretKey(
  source: KeySource,
  given: FileSecret,
  findings: Findings,
): readonly VerificationKey[] {
  const { algorithms } = source;
  const path = [...source.path, 'secret'];
  if (findings.wasWrong(path)) return [];
  for (const name of algorithms) {
    if (!isSymmetric(name)) {
      findings.fault(
        algorithmPath(source, name),
        `${name} needs a public key, and this source has a secret; must be HS256, HS384 or HS512`,
      );
    }
  }
  const symmetric = algorithms.filter(isSymmetric);
  const secret = resolveSecret(given, path, findings);
  if (secret === undefined) return [];
  try {
    checkSecret(secret, symmetric);
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    findings.fault(path, error.message);
    return [];
  }
  return symmetric.length === 0 ? [] : [fitSecret(secret, symmetric)];
}

function readPems(
  pem: string | readonly string[] | undefined,
  path: KeyPath,
  folder: string,
  findings: Findings,
): ReadKeys[] {
  if (pem === undefined) return [];
  const entries: readonly (readonly [string, KeyPath])[] =
    typeof pem === 'string' ? [[pem, path]] : pem.map((entry, index) => [entry, [...path, index]]);
  return entries.flatMap(([entry, at]) => {
    const inline = pemTextOf(entry);
    const read = guard(entry, inline, at, folder, findings, (text, name) => {
      const pem = pemTextOf(text) ?? text;
      const keys = parsePem(pem);
      const obstacle = datesObstacle(pem, systemClock.wall());
      if (obstacle !== undefined) {
        findings.warn(
          at,
          `${name} ${obstacle}; its key is used all the same, and a newer one is meant if there is one`,
        );
      }
      return { path: at, keys, isSet: false };
    });
    return read === undefined ? [] : [read];
  });
}

function readJwks(entry: string, path: KeyPath, folder: string, findings: Findings): ReadKeys | undefined {
  const inline = /^\s*\{/.test(entry) ? entry : undefined;
  return guard(entry, inline, path, folder, findings, (text, name) => {
    const { keys, warnings } = parseJwks(text);
    for (const warning of warnings) findings.warn(path, `${name}: ${warning}`);
    return { path, keys, isSet: true };
  });
}

const noKey =
  'is neither a path to a file nor a key that can be read; must be a path, or a public key whole: PEM, its lines apart by line ends or \\n, or base64 of it, or a JWKS under jwks';

/** Reads one file, or the text in its place. An error becomes a fault that names the file. */
function guard<Result>(
  entry: string,
  inline: string | undefined,
  path: KeyPath,
  folder: string,
  findings: Findings,
  read: (text: string, name: string) => Result,
): Result | undefined {
  const file = isAbsolute(entry) ? entry : join(folder, entry);
  const hides = inline !== undefined || mayBeKey(entry);
  // The path may be a secret by mistake, so a path from the environment is shown as the file has it.
  const name = hides ? 'the text' : findings.isSubstituted(path) ? findings.quote(path, entry) : file;
  try {
    return read(inline ?? readTextFile(file, MAX_KEY_FILE_BYTES), name);
  } catch (error) {
    if (!(error instanceof KeyError || error instanceof FileError)) throw error;
    const isNoFile = inline === undefined && hides && error instanceof FileError && error.isOutOfReach;
    const isMissing =
      error instanceof FileError && error.isOutOfReach && path.includes('jwks') && !isAbsolute(entry);
    const hint = isMissing ? ', or is https:// missing before an address' : '';
    findings.fault(path, isNoFile ? noKey : `${name} ${error.message}${hint}`);
    return undefined;
  }
}

function fit(sources: readonly ReadKeys[], algorithms: readonly string[]): readonly VerificationKey[] {
  const fitted = new Map<string, VerificationKey>();
  for (const key of sources.flatMap(({ keys }) => keys)) {
    const result = fitPublicKey(key, algorithms);
    if (result !== undefined) fitted.set(JSON.stringify([result.id, result.kid]), result);
  }
  return [...fitted.values()];
}

function refuseMisfits(source: KeySource, read: readonly ReadKeys[], findings: Findings): void {
  const allowed = source.written ?? [];
  const keys = read.flatMap((one) => one.keys);
  for (const name of allowed) {
    if (keys.some((key) => key.algorithms.includes(name))) continue;
    const labels = [...new Set(keys.map(({ label }) => label))].join(', ');
    findings.fault(
      algorithmPath(source, name),
      `${name} fits none of the keys (${labels}); must be one of ${fittingNames(keys)}`,
    );
  }
  for (const one of read) {
    for (const key of one.keys) {
      if (key.algorithms.some((name) => allowed.includes(name))) continue;
      if (one.isSet) {
        findings.warn(one.path, `${nameOf(key)} is ignored: it fits none of the algorithms`);
      } else if (keys.length > 1) {
        // A single key that fits nothing is already reported at the algorithms.
        findings.fault(
          one.path,
          `holds an ${key.label}, which none of the algorithms fits; must come with one of ${fittingNames([key])}`,
        );
      }
    }
  }
}

function nameOf(key: PublicKey): string {
  return key.kid === undefined ? `an ${key.label}` : `the key with kid ${foreignJson(key.kid, MAX_SHOWN)}`;
}

function fittingNames(keys: readonly PublicKey[]): string {
  return [...knownAlgorithms.keys()]
    .filter((name) => keys.some((key) => key.algorithms.includes(name)))
    .join(', ');
}
