import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { bits, der, integer, octets, oid, pemOf, sequence, time } from './der.ts';

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'));
const DATES = ['20200101000000Z', '20991231235959Z'] as const;

export interface IssueOptions {
  readonly cn?: string;
  /** Host names and IPv4 addresses. */
  readonly names?: readonly string[];
  readonly type?: 'ec' | 'rsa';
  /** Start and end of its validity, each `YYYYMMDDHHMMSSZ`. */
  readonly dates?: readonly [string, string];
  /** Bits of an RSA key. */
  readonly bits?: number;
  /** URL of the OCSP responder. */
  readonly ocsp?: string;
  /** Clients refuse it without an OCSP response. */
  readonly mustStaple?: boolean;
  /** It may sign OCSP responses for its issuer. */
  readonly ocspSigning?: boolean;
}

/** PEM texts; `key` is PKCS#8. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
  readonly serial: number;
}

/** A certificate authority for tests, with a key of P-256. */
export class Authority {
  /** Its own certificate, PEM. */
  readonly cert: string;
  readonly #name: Buffer;
  readonly #key: KeyObject;
  #serial = 1;

  /** @param issuer undefined: the authority signs its own certificate. */
  constructor(cn: string, issuer?: Authority) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#name = nameOf(cn);
    this.#key = privateKey;
    const signer = issuer ?? this;
    this.cert = signer.#sign({
      serial: signer.#next(),
      subject: this.#name,
      publicKey,
      dates: DATES,
      extensions: [
        sequence(
          oid('551d13'),
          der(0x01, Buffer.from([0xff])),
          octets(sequence(der(0x01, Buffer.from([0xff])))),
        ),
      ],
    });
  }

  issue(options: IssueOptions = {}): Issued {
    const { cn = 'leaf', names = [], type = 'ec', dates = DATES, bits: modulusLength = 2048 } = options;
    const { privateKey, publicKey } =
      type === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength });
    const general = names.map((name) =>
      isIPv4(name)
        ? der(0x87, Buffer.from(name.split('.').map(Number)))
        : der(0x82, Buffer.from(name, 'latin1')),
    );
    const serial = this.#next();
    const cert = this.#sign({
      serial,
      subject: nameOf(cn),
      publicKey,
      dates,
      extensions: [
        ...(names.length === 0 ? [] : [sequence(oid('551d11'), octets(sequence(...general)))]),
        ...furtherExtensions(options),
      ],
    });
    return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), serial };
  }

  /** Its private key, PEM of PKCS#8. */
  get key(): string {
    return this.#key.export({ type: 'pkcs8', format: 'pem' }).toString();
  }

  /** A revocation list, PEM. @param dates when it was made, and when the next one is due. */
  crl(serials: readonly number[], dates: readonly [string, string] = DATES): string {
    const revoked = serials.map((serial) => sequence(integer(serial), time(DATES[0])));
    const signed = sequence(
      integer(1),
      ECDSA_WITH_SHA256,
      this.#name,
      ...dates.map(time),
      ...(revoked.length === 0 ? [] : [sequence(...revoked)]),
    );
    return pemOf('X509 CRL', sequence(signed, ECDSA_WITH_SHA256, bits(sign('sha256', signed, this.#key))));
  }

  /** Below 128, so that a serial is one byte. */
  #next(): number {
    this.#serial += 1;
    return this.#serial;
  }

  #sign(what: {
    readonly serial: number;
    readonly subject: Buffer;
    readonly publicKey: KeyObject;
    readonly dates: readonly [string, string];
    readonly extensions: readonly Buffer[];
  }): string {
    const signed = sequence(
      der(0xa0, integer(2)),
      integer(what.serial),
      ECDSA_WITH_SHA256,
      this.#name,
      sequence(...what.dates.map(time)),
      what.subject,
      what.publicKey.export({ type: 'spki', format: 'der' }),
      ...(what.extensions.length === 0 ? [] : [der(0xa3, sequence(...what.extensions))]),
    );
    return pemOf('CERTIFICATE', sequence(signed, ECDSA_WITH_SHA256, bits(sign('sha256', signed, this.#key))));
  }
}

function furtherExtensions({ ocsp, mustStaple, ocspSigning }: IssueOptions): readonly Buffer[] {
  const extension = (id: string, content: Buffer): Buffer => sequence(oid(id), octets(content));
  const responder = (url: string): Buffer =>
    sequence(sequence(oid('2b06010505073001'), der(0x86, Buffer.from(url))));
  return [
    ...(ocsp === undefined ? [] : [extension('2b06010505070101', responder(ocsp))]),
    ...(mustStaple === true ? [extension('2b06010505070118', sequence(integer(5)))] : []),
    ...(ocspSigning === true ? [extension('551d25', sequence(oid('2b06010505070309')))] : []),
  ];
}

function nameOf(cn: string): Buffer {
  return sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(cn)))));
}
