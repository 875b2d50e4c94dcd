import type { KeyChoice } from '../../keys/key.ts';
import { type JsonObject, member, parseObject } from '../read/strict-json.ts';
import type { TokenBuffer } from '../read/token-buffer.ts';
import type { SignatureVerifier } from './signature.ts';

export interface SignedClaimsOptions {
  readonly buffer: TokenBuffer;
  readonly verifier: SignatureVerifier;
  /** The keys that may have signed with this algorithm and `kid`; undefined when there is none. */
  readonly choose: (algorithm: string, kid: string | undefined) => KeyChoice | undefined;
}

/**
 * The claims of a JWT that is not a client's token, such as the signature of a webhook. Undefined unless shape, algorithm
 * and signature are good. The caller judges the claims, times included.
 */
export function signedClaims(token: string, options: SignedClaimsOptions): JsonObject | undefined {
  const { buffer, verifier, choose } = options;
  const segments = token.split('.', 4);
  const [header, payload, signature] = segments;
  if (segments.length !== 3 || !header || !payload || !signature) return undefined;
  const read = (segment: string): JsonObject | undefined => {
    const text = buffer.decode(segment);
    return text === undefined ? undefined : parseObject(text);
  };
  const head = read(header);
  const claims = read(payload);
  if (head === undefined || claims === undefined || !buffer.isCanonical(signature)) return undefined;
  // RFC 7515 §4.1.11, RFC 7797 §7: no extension is understood here.
  if (Object.hasOwn(head, 'crit') || Object.hasOwn(head, 'b64')) return undefined;
  const algorithm = member(head, 'alg');
  const kid = member(head, 'kid');
  if (typeof algorithm !== 'string' || !(kid === undefined || typeof kid === 'string')) return undefined;
  const choice = choose(algorithm, kid);
  return choice !== undefined && verifier.verify(token, choice) ? claims : undefined;
}
