import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import type { CertificateConfig, TlsConfig } from '../../../config/config.ts';
import { asksForStaple, oneOf } from './one-certificate.ts';

/**
 * No renegotiation (RFC 7525 §3.5), the suites in our order, and ChaCha20 for a client that prefers it because it
 * has no hardware for AES.
 */
const OPTIONS =
  constants.SSL_OP_NO_RENEGOTIATION |
  constants.SSL_OP_NO_COMPRESSION |
  constants.SSL_OP_CIPHER_SERVER_PREFERENCE |
  constants.SSL_OP_PRIORITIZE_CHACHA;

/** Certificates that serve one name: at most one of each type of key, from which OpenSSL chooses by what a client can. */
export type Choice = readonly CertificateConfig[];

/**
 * The certificates of one address, by the names in each (RFC 6125 §6.4): an exact name comes before a wildcard, and a
 * wildcard stands for one label. Where two have the same name and type of key, the first one counts.
 */
export class CertificateStore {
  readonly #tls: TlsConfig;
  readonly #byName = new Map<string, CertificateConfig[]>();
  readonly #first: Choice;
  readonly #single = new Map<CertificateConfig, Choice>();

  constructor(tls: TlsConfig) {
    this.#tls = tls;
    for (const certificate of tls.certificates) {
      for (const name of certificate.names) this.#add(name, certificate);
    }
    const first = tls.certificates[0] as CertificateConfig;
    this.#first = this.#byName.get(first.names[0] ?? '') ?? [first];
  }

  /** For clients that name no host and connect to an address without a certificate. */
  get first(): Choice {
    return this.#first;
  }

  /**
   * The certificates for a client. Undefined: it must be refused.
   * @param name the host that it names, in any case. @param ip the address that it connects to, for a client without one
   *   (RFC 6066 §3).
   * @param hello the client's, if it was read: of several certificates it gets that for which it asks an OCSP response.
   */
  choose(name: string | undefined, ip: string | undefined, hello?: Buffer): Choice | undefined {
    const choice = this.#byPlace(name, ip);
    if (choice === undefined || choice.length === 1 || hello === undefined || !this.#tls.stapling)
      return choice;
    const one = asksForStaple(hello) ? oneOf(choice, hello) : undefined;
    return one === undefined ? choice : this.#alone(one);
  }

  /** For OpenSSL. */
  options(choice: Choice): SecureContextOptions {
    const { clientCertificates, minVersion, ciphers } = this.#tls;
    const options: SecureContextOptions = {
      cert: choice.map(({ cert }) => cert),
      key: choice.map(({ key }) => key),
      minVersion,
      ciphers,
      secureOptions: OPTIONS,
    };
    if (clientCertificates === undefined) return options;
    const { ca, crl } = clientCertificates;
    // A session that resumes is not checked against a newer list or authority, so none resumes (RFC 8446 §2.2).
    options.secureOptions = OPTIONS | constants.SSL_OP_NO_TICKET;
    return { ...options, ca, ...(crl === undefined ? {} : { crl: [...crl] }) };
  }

  #byPlace(name: string | undefined, ip: string | undefined): Choice | undefined {
    if (name === undefined) return (ip === undefined ? undefined : this.#byName.get(ip)) ?? this.#first;
    const choice = this.#named(name.toLowerCase());
    return choice ?? (this.#tls.unknownName === 'refuse' ? undefined : this.#first);
  }

  /** The same object each time, as it stands for a server. */
  #alone(certificate: CertificateConfig): Choice {
    const before = this.#single.get(certificate);
    if (before !== undefined) return before;
    const choice = [certificate];
    this.#single.set(certificate, choice);
    return choice;
  }

  #add(name: string, certificate: CertificateConfig): void {
    const choice = this.#byName.get(name);
    if (choice === undefined) this.#byName.set(name, [certificate]);
    else if (choice.every(({ keyType }) => keyType !== certificate.keyType)) choice.push(certificate);
  }

  #named(name: string): Choice | undefined {
    const exact = this.#byName.get(name);
    if (exact !== undefined) return exact;
    const dot = name.indexOf('.');
    // `*.` alone stands for no label.
    return dot > 0 ? this.#byName.get(`*${name.slice(dot)}`) : undefined;
  }
}
