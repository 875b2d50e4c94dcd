import { createPublicKey } from 'node:crypto';
import { minimumSecretBytes } from './algorithms.ts';
import { KeyError } from './key-error.ts';
import { pemTextOf } from './key-text.ts';

/**
 * Refuses a secret that is too short for one of the HMAC algorithms (RFC 7518 §3.2), or that is in truth a public
 * key: whoever knows such a "secret" could sign (CVE-2023-48223, GHSA-g3jj-5cmm-3hxx). Throws KeyError.
 */
export function checkSecret(secret: string, algorithms: readonly string[]): void {
  if (pemTextOf(secret) !== undefined || isDerKey(secret)) {
    throw new KeyError('is a PEM or DER key, not a secret; must be given as pem if it is a public key');
  }
  if (isJwkText(secret)) {
    throw new KeyError('is a JSON Web Key, not a secret; must be given as jwks if it is a public key');
  }
  const bytes = Buffer.byteLength(secret);
  const minimum = Math.max(1, ...algorithms.map(minimumSecretBytes));
  if (bytes < minimum) {
    const names = algorithms.filter((name) => minimumSecretBytes(name) === minimum).join(', ');
    throw new KeyError(`has ${bytes} bytes; must have at least ${minimum} for ${names} (RFC 7518 §3.2)`);
  }
}

function isJwkText(secret: string): boolean {
  const text = secret.replace(/^\uFEFF/, '').trim();
  if (!text.startsWith('{') && !text.startsWith('[')) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return /"(kty|keys)"/.test(text);
  }
}

/** The body of a PEM block without its BEGIN and END lines. */
function isDerKey(secret: string): boolean {
  const der = Buffer.from(secret, 'base64');
  for (const type of ['spki', 'pkcs1'] as const) {
    try {
      createPublicKey({ key: der, format: 'der', type });
      return true;
    } catch {
      // Not this form of a key; that is the good case.
    }
  }
  return false;
}
