import { createPublicKey } from 'node:crypto';
import { minimumSecretBytes } from './algorithms.ts';
import { KeyError } from './key-error.ts';
import { pemTextOf } from './key-text.ts';

/**
 * Refuses a secret that is too short for one of the HMAC algorithms (RFC 7518 §3.2), or that is in truth a public
 * key: everybody who knows such a "secret" could sign (CVE-2023-48223, GHSA-g3jj-5cmm-3hxx). Throws KeyError.
 */
export function checkSecret(given: string | Buffer, algorithms: readonly string[]): void {
  const secret = given.toString();
  // What is decoded may be a key in turn, and so may the text that it stands for.
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

/** The body of a PEM block without its BEGIN and END lines, decoded. */
function isDerKey(der: Buffer): boolean {
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

/**
 * The bytes of a secret in base64 (RFC 4648 §4) or base64url (§5), with or without padding. Throws KeyError for a text
 * that another one would stand for too, and for the alphabet of the other.
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
