/** The part of fast-jwt that checks signatures, for which it has no typings; the version is pinned. */
declare module 'fast-jwt/src/crypto.js' {
  import type { KeyObject } from 'node:crypto';

  /**
   * Whether `signature` (base64url) is that of `input` by the key. Throws where key and algorithm do not go together or
   * the signature cannot be read at all.
   */
  export function verifySignature(
    algorithm: string,
    key: KeyObject,
    input: string,
    signature: string,
  ): boolean;
}
