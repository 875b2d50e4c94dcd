import { createHash, type KeyObject, verify, X509Certificate } from 'node:crypto';
import { contentOf, DerError, type DerValue, der, inside, onlyValue, tags, timeOf } from '../keys/der.ts';

/** The object identifiers that are read or written, as bytes of DER in hexadecimal. */
const SHA_1 = '2b0e03021a';
const BASIC_RESPONSE = '2b0601050507300101';
/** Signatures by SHA-2, and their hash; null: the algorithm has its own (RFC 8410 §3). */
const SIGNATURES: ReadonlyMap<string, string | null> = new Map([
  ['2a864886f70d01010b', 'sha256'], // sha256WithRSAEncryption and its sisters
  ['2a864886f70d01010c', 'sha384'],
  ['2a864886f70d01010d', 'sha512'],
  ['2a8648ce3d040302', 'sha256'], // ecdsa-with-SHA256 and its sisters
  ['2a8648ce3d040303', 'sha384'],
  ['2a8648ce3d040304', 'sha512'],
  ['2b6570', null], // Ed25519
]);
/** The extended key usage of a certificate that signs for its issuer (RFC 6960 §4.2.2.2). */
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
/** Tags in context of the structures below. */
const tagged = { first: 0xa0, second: 0xa1, good: 0x80, revoked: 0xa1 } as const;
/** Certificates that a response may bring; one is enough. */
const MAX_CERTIFICATES = 10;
/** Milliseconds by which the clock of a responder may be ahead. */
const CLOCK_SKEW_MS = 5 * 60_000;
/** Milliseconds for which a response counts that does not say until when. */
const UNSTATED_MS = 60 * 60_000;

/** A response of an OCSP responder cannot be used. The message completes the sentence `<responder> …`. */
export class OcspError extends Error {
  override readonly name = 'OcspError';
}

/** When a response counts, in milliseconds since the epoch. */
export interface OcspPeriod {
  readonly since: number;
  readonly until: number;
}

interface Signed {
  /** The bytes under the signature. */
  readonly data: DerValue;
  readonly algorithm: DerValue | undefined;
  readonly signature: Buffer;
  readonly signers: readonly X509Certificate[];
}

/** The question about one certificate to the responder of its issuer (RFC 6960 §4.1.1), and the check of the response. */
export class OcspQuestion {
  /** The request, DER. */
  readonly request: Uint8Array;
  readonly #issuer: X509Certificate;
  /** The certificate as request and response name it, by its hash, issuer, key of the issuer and serial number. */
  readonly #wanted: readonly Buffer[];

  /** @param cert the certificate, and @param issuer that which issued it, PEM. */
  constructor(cert: string, issuer: string) {
    this.#issuer = new X509Certificate(issuer);
    // Every responder knows SHA-1 (RFC 5019 §2.1.1). It only says which certificate is meant.
    const sha1 = (bytes: Buffer): Buffer => createHash('sha1').update(bytes).digest();
    const fields = signedFields(new X509Certificate(cert).raw);
    const key = inside(onlyValue(this.#issuer.publicKey.export({ type: 'spki', format: 'der' })))[1];
    // Behind the count of unused bits.
    const keyBits = contentOf(key, tags.bitString).subarray(1);
    const serial = contentOf(fields[0], tags.integer);
    const { whole: issuerName = Buffer.alloc(0) } = fields[2] ?? {};
    this.#wanted = [Buffer.from(SHA_1, 'hex'), sha1(issuerName), sha1(keyBits), serial];
    const [hash = serial, name = serial, keyHash = serial] = this.#wanted;
    const certId = der(
      tags.sequence,
      der(tags.sequence, der(tags.objectIdentifier, hash), der(tags.null)),
      der(tags.octetString, name),
      der(tags.octetString, keyHash),
      der(tags.integer, serial),
    );
    const list = der(tags.sequence, der(tags.sequence, certId));
    this.request = der(tags.sequence, der(tags.sequence, list));
  }

  /**
   * Checks a response (RFC 6960 §3.2): it must say that the certificate is good, now, and be signed by the issuer or by
   * its delegate. @param now wall-clock milliseconds. @throws OcspError
   */
  read(response: Uint8Array, now: number): OcspPeriod {
    try {
      const signed = readSigned(Buffer.from(response));
      const period = this.#periodOf(signed.data, now);
      this.#assertSigned(signed, now);
      return period;
    } catch (error) {
      if (error instanceof DerError) throw new OcspError('sent what is no OCSP response', { cause: error });
      throw error;
    }
  }

  #periodOf(data: DerValue, now: number): OcspPeriod {
    const fields = inside(data).filter(({ tag }) => tag === tags.sequence);
    // After the responder and the time, which may be of other tags.
    const responses = fields[0] === undefined ? [] : inside(fields[0]);
    const one = responses.find((response) => this.#isMeant(inside(response)[0]));
    if (one === undefined) throw new OcspError('sent a response for another certificate');
    const [, status, thisUpdate, next] = inside(one);
    const since = timeOf(thisUpdate);
    const until = next?.tag === tagged.first ? timeOf(onlyValue(next.content)) : now + UNSTATED_MS;
    if (since > now + CLOCK_SKEW_MS) throw new OcspError('sent a response of the future');
    if (until <= now)
      throw new OcspError(`sent a response that has ended at ${new Date(until).toISOString()}`);
    if (status?.tag !== tagged.good) {
      const what = status?.tag === tagged.revoked ? 'revoked' : 'unknown';
      throw new OcspError(`says that the certificate is ${what}`);
    }
    return { since, until };
  }

  /** @param certId see RFC 6960 §4.1.1. */
  #isMeant(certId: DerValue | undefined): boolean {
    const [algorithm, name, key, serial] = inside(certId);
    const [hash] = inside(algorithm);
    const found = [hash, name, key, serial].map((value) => value?.content);
    return this.#wanted.every((bytes, at) => found[at]?.equals(bytes) === true);
  }

  #assertSigned({ data, algorithm, signature, signers }: Signed, now: number): void {
    const [identifier] = inside(algorithm);
    const hash = SIGNATURES.get(contentOf(identifier, tags.objectIdentifier).toString('hex'));
    if (hash === undefined) {
      throw new OcspError(
        'signed its response by an algorithm that is not accepted; must be RSA, ECDSA or Ed25519 with SHA-256 or better',
      );
    }
    const isBy = (key: KeyObject): boolean => verifies(hash, data.whole, key, signature);
    const issuer = this.#issuer;
    if (isBy(issuer.publicKey)) return;
    if (signers.some((signer) => maySign(signer, issuer, now) && isBy(signer.publicKey))) return;
    throw new OcspError('sent a response that neither the issuer nor its delegate has signed');
  }
}

/** The fields of a certificate from its serial number on: number, algorithm, issuer. */
function signedFields(certificate: Buffer): readonly DerValue[] {
  const [signed] = inside(onlyValue(certificate));
  const fields = inside(signed);
  return fields[0]?.tag === tagged.first ? fields.slice(1) : fields;
}

/** The basic response inside of a response (RFC 6960 §4.2.1). @throws OcspError, DerError */
function readSigned(response: Buffer): Signed {
  const [status, bytes] = inside(onlyValue(response));
  const code = contentOf(status, tags.enumerated);
  if (!code.equals(Buffer.from([0]))) {
    throw new OcspError(`answered with the OCSP status ${code.toString('hex')}; must be 00`);
  }
  const [type, content] = inside(onlyValue(contentOf(bytes, tagged.first)));
  if (contentOf(type, tags.objectIdentifier).toString('hex') !== BASIC_RESPONSE) {
    throw new OcspError('sent a response of another type than basic');
  }
  const [data, algorithm, signature, certs] = inside(onlyValue(contentOf(content, tags.octetString)));
  if (data?.tag !== tags.sequence) throw new DerError('there is no data');
  return {
    data,
    algorithm,
    // Behind the count of unused bits.
    signature: contentOf(signature, tags.bitString).subarray(1),
    signers: certs?.tag === tagged.first ? readCertificates(onlyValue(certs.content)) : [],
  };
}

function readCertificates(list: DerValue): readonly X509Certificate[] {
  return inside(list)
    .slice(0, MAX_CERTIFICATES)
    .map(({ whole }) => {
      try {
        return new X509Certificate(whole);
      } catch (error) {
        throw new OcspError('sent a certificate that cannot be read', { cause: error });
      }
    });
}

/** Whether a certificate speaks for the issuer of others about revocation. */
function maySign(signer: X509Certificate, issuer: X509Certificate, now: number): boolean {
  return (
    signer.keyUsage?.includes(OCSP_SIGNING) === true &&
    signer.checkIssued(issuer) &&
    signer.verify(issuer.publicKey) &&
    Date.parse(signer.validFrom) <= now &&
    Date.parse(signer.validTo) > now
  );
}

function verifies(hash: string | null, data: Buffer, key: KeyObject, signature: Buffer): boolean {
  try {
    return verify(hash, data, key, signature);
  } catch {
    // The algorithm is for keys of another type.
    return false;
  }
}
