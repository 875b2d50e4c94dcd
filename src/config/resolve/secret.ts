import { KeyError } from '../../keys/key-error.ts';
import { secretBytes } from '../../keys/secret.ts';
import type { KeyPath } from '../fault.ts';
import type { FileSecret } from '../schema/keys.ts';
import type { Findings } from './findings.ts';

/** The secret, as text or as bytes; undefined for a fault, which goes to the findings. */
export function resolveSecret(
  given: FileSecret,
  path: KeyPath,
  findings: Findings,
): string | Buffer | undefined {
  if (typeof given === 'string') return given;
  const { base64, base64url } = given;
  const text = base64 ?? base64url;
  if (text === undefined || (base64 !== undefined && base64url !== undefined)) {
    if (!findings.wasWrongInside(path)) findings.fault(path, 'must have exactly one of base64, base64url');
    return undefined;
  }
  const encoding = base64 === undefined ? 'base64url' : 'base64';
  try {
    return secretBytes(text, encoding);
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    findings.fault([...path, encoding], error.message);
    return undefined;
  }
}
