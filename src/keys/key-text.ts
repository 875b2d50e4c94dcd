import { createPublicKey, X509Certificate } from 'node:crypto';
import { canRead, privateLabelOf } from './private-key.ts';

/**
 * Base64 of DER: DER begins with a SEQUENCE (X.690 §8.9), whose base64 begins with M. The smallest key has 60
 * characters.
 */
const BARE = /^M[A-Za-z0-9+/\s]{39,}={0,2}\s*$/;
/** Base64 of a text that begins with `-----BEGIN`: secret stores hand out whole files like this. */
const PACKED = /^LS0tLS1CRUdJTi[A-Za-z0-9+/\s]+={0,2}\s*$/;
/** Line ends written as escapes, as in environment variables and JSON. */
const WRITTEN_LINE_ENDS = /\\r\\n|\\n|\\r/g;

/**
 * The PEM text (RFC 7468) in a configuration value: PEM itself, PEM on one line with line ends written as `\n`, base64
 * of PEM, or base64 of a key or certificate without its BEGIN and END lines. Undefined for anything else, such as a
 * path.
 */
export function pemTextOf(text: string): string | undefined {
  if (text.includes('-----BEGIN')) return text.replace(WRITTEN_LINE_ENDS, '\n');
  if (PACKED.test(text)) {
    const unpacked = Buffer.from(text, 'base64').toString('utf8');
    return unpacked.replace(WRITTEN_LINE_ENDS, '\n');
  }
  const bare = text.replace(WRITTEN_LINE_ENDS, '\n').trim();
  if (!BARE.test(bare)) return undefined;
  const label = labelOf(Buffer.from(bare, 'base64'));
  return label === undefined ? undefined : `-----BEGIN ${label}-----\n${bare}\n-----END ${label}-----\n`;
}

/**
 * Whether a text may be key material, even broken, and must not be shown: it looks like base64 of DER, a JSON Web Key
 * or an OpenSSH key, or has a character that no path has.
 */
export function mayBeKey(text: string): boolean {
  return (
    BARE.test(text) ||
    PACKED.test(text) ||
    /\p{Cc}|\\n|-----|^\s*[{[]|^(ssh|ecdsa|sk)-\S+\s|^AAAA[A-Z0-9]/u.test(text) ||
    text.length > MAX_SHOWN_PATH
  );
}

/** Characters of a path that may be shown. Paths are rarely longer, keys always. */
const MAX_SHOWN_PATH = 255;

function labelOf(der: Buffer): string | undefined {
  if (canRead(() => createPublicKey({ key: der, format: 'der', type: 'spki' }))) return 'PUBLIC KEY';
  if (canRead(() => new X509Certificate(der))) return 'CERTIFICATE';
  // `parsePem` refuses it by this label.
  const label = privateLabelOf(der);
  if (label !== undefined) return label;
  return canRead(() => createPublicKey({ key: der, format: 'der', type: 'pkcs1' }))
    ? 'RSA PUBLIC KEY'
    : undefined;
}
