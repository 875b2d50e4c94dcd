import { createPublicKey } from 'node:crypto';
import { minimumSecretBytes } from './algorithms.ts';
import { KeyError } from './key-error.ts';
import { pemTextOf } from './key-text.ts';

/**
 * Refuses a secret that is too short for one of the HMAC algorithms (RFC 7518 §3.2), or that is a public key: everyone
 * who knows the public key could sign (CVE-2023-48223, GHSA-g3jj-5cmm-3hxx). Throws KeyError.
 */
export function checkSecret(given: string | Buffer, algorithms: readonly string[]): void {
  const secret = given.toString();
  // Both the secret itself and its base64 decoding may be a key.
  const forms =
    typeof given === 'string' ? [Buffer.from(secret, 'base64')] : [given, Buffer.from(secret, 'base64')];
  if (pemTextOf(secret) !== undefined || forms.some(isDerKey)) {
    throw new KeyError('is a PEM or DER key, not a secret; must be given as pem if it is a public key');
  }
  if (isJwkText(secret)) {
    throw new KeyError('is a JSON Web Key, not a secret; must be given as jwks if it is a public key');
  }
  const bytes = Buffer.byteLength(given);
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

/** Whether the bytes are a public key in DER. */
function isDerKey(der: Buffer): boolean {
  for (const type of ['spki', 'pkcs1'] as const) {
    try {
      createPublicKey({ key: der, format: 'der', type });
      return true;
    } catch {
      // Not a key in this form.
    }
  }
  return false;
}

/**
 * Decodes a secret in base64 (RFC 4648 §4) or base64url (§5), with or without padding. Throws KeyError for a text that
 * is not canonical: another text would then have the same bytes.
 */
export function secretBytes(text: string, encoding: 'base64' | 'base64url'): Buffer {
  const bytes = Buffer.from(text, encoding);
  const canonical = bytes.toString(encoding).replace(/=+$/, '');
  const padding = '='.repeat((4 - (canonical.length % 4)) % 4);
  if (text === canonical || text === canonical + padding) return bytes;
  const other = encoding === 'base64' ? 'base64url' : 'base64';
  const alphabet = encoding === 'base64' ? 'A-Z, a-z, 0-9, "+" and "/"' : 'A-Z, a-z, 0-9, "-" and "_"';
  throw new KeyError(
    `is not ${encoding}; must be ${alphabet} alone, all on one line, with nothing cut off, or come as ${other}`,
  );
}
