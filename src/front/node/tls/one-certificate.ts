import type { CertificateConfig } from '../../../config/config.ts';
import { extensionOf } from './client-hello.ts';

/** Extensions of a ClientHello (RFC 8446 §4.2, RFC 6066 §8). */
const STATUS_REQUEST = 5;
const SIGNATURE_ALGORITHMS = 13;
const SUPPORTED_VERSIONS = 43;
const TLS_13 = 0x0304;
/** Types of keys in the order in which OpenSSL prefers them, and the signature schemes of each (RFC 8446 §4.2.3). */
const SCHEMES: ReadonlyMap<string, ReadonlySet<number>> = new Map([
  ['prime256v1', new Set([0x0403])],
  ['secp384r1', new Set([0x0503])],
  ['secp521r1', new Set([0x0603])],
  ['ed25519', new Set([0x0807])],
  ['ed448', new Set([0x0808])],
  ['rsa-pss', new Set([0x0809, 0x080a, 0x080b])],
  ['rsa', new Set([0x0804, 0x0805, 0x0806])],
]);

/** Whether a client asks for an OCSP response beside the certificate. */
export function asksForStaple(hello: Buffer): boolean {
  return extensionOf(hello, STATUS_REQUEST) !== undefined;
}

/**
 * The one of several certificates, of different types of key, that a client of TLS 1.3 gets. OpenSSL asks for the OCSP
 * response before it chooses, so the choice must come first. Undefined: OpenSSL chooses, as for clients of TLS 1.2, where
 * suites count too, and no response can be sent.
 */
export function oneOf(choice: readonly CertificateConfig[], hello: Buffer): CertificateConfig | undefined {
  // Behind the length of the list: a byte, and two.
  const versions = numbersOf(extensionOf(hello, SUPPORTED_VERSIONS)?.subarray(1));
  if (!versions.includes(TLS_13)) return undefined;
  const offered = numbersOf(extensionOf(hello, SIGNATURE_ALGORITHMS)?.subarray(2));
  for (const [type, schemes] of SCHEMES) {
    const found = choice.find(({ curve, keyType }) => (curve ?? keyType) === type);
    if (found !== undefined && offered.some((scheme) => schemes.has(scheme))) return found;
  }
  return undefined;
}

/** Numbers of two bytes each. */
function numbersOf(bytes: Buffer | undefined): readonly number[] {
  const numbers: number[] = [];
  for (let at = 0; bytes !== undefined && at + 2 <= bytes.length; at += 2)
    numbers.push(bytes.readUInt16BE(at));
  return numbers;
}
