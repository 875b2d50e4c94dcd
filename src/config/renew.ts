import { addressText } from '../http/host-port.ts';
import { KeyError } from '../keys/key-error.ts';
import { readRevocationLists } from '../keys/revocation-lists.ts';
import { systemClock } from '../lib/clock.ts';
import type {
  CertificateConfig,
  ClientCertificatesConfig,
  PemSource,
  TlsConfig,
  TrafficAddress,
} from './config.ts';
import { readAuthoritiesOf, readCertificate, readGuarded, readPem } from './source/pem-source.ts';

/** What the files of the certificates hold now. */
export interface Renewal {
  /** The addresses, each with what can serve of the files, and otherwise with what it had. */
  readonly listen: readonly TrafficAddress[];
  /** What is new, for the log; empty: nothing. */
  readonly renewed: readonly string[];
  /** Why something stays as it was, a sentence each. */
  readonly faults: readonly string[];
}

/** Every file that the certificates of these addresses are read from. */
export function certificateFiles(listen: readonly TrafficAddress[]): readonly string[] {
  const sources = listen.flatMap(({ tls }) => [
    ...(tls?.certificates ?? []).flatMap(({ source }) => [source.cert, source.key]),
    tls?.clientCertificates?.source.ca,
    tls?.clientCertificates?.source.crl,
  ]);
  return [...new Set(sources.flatMap((source) => fileOf(source) ?? []))];
}

/** Reads the certificates of addresses again. What cannot serve leaves that one certificate as it was. */
export function renewCertificates(listen: readonly TrafficAddress[]): Renewal {
  const renewer = new Renewer();
  const next = listen.map((address) =>
    address.tls === undefined ? address : { ...address, tls: renewer.tls(address.tls, addressText(address)) },
  );
  return { listen: next, renewed: renewer.renewed, faults: renewer.faults };
}

class Renewer {
  readonly renewed: string[] = [];
  readonly faults: string[] = [];

  tls(tls: TlsConfig, address: string): TlsConfig {
    return {
      ...tls,
      certificates: tls.certificates.map((one) => this.#certificate(one, address)),
      clientCertificates: tls.clientCertificates && this.#clients(tls.clientCertificates, address),
    };
  }

  #certificate(before: CertificateConfig, address: string): CertificateConfig {
    const what = `the certificate ${before.name} of ${address}`;
    const { source } = before;
    const read = this.#guard(what, [source.cert, source.key], () => {
      const found = readCertificate(source);
      // A certificate that has not ended serves better than one that has.
      if (found.validTo <= systemClock.wall() && found.cert !== before.cert) {
        throw new KeyError(`has expired at ${new Date(found.validTo).toISOString()}; must be a newer one`);
      }
      return found;
    });
    if (read === undefined || (read.cert === before.cert && read.key === before.key)) return before;
    this.renewed.push(what);
    return { ...before, ...read, name: read.names[0] ?? before.name };
  }

  #clients(before: ClientCertificatesConfig, address: string): ClientCertificatesConfig {
    const { source } = before;
    const { ca: caSource, crl: crlSource } = source;
    const caName = `the authorities of clients of ${address}`;
    const crlName = `the list of revoked certificates of ${address}`;
    const ca = this.#guard(caName, [caSource], () => readAuthoritiesOf(caSource)) ?? before.ca;
    if (ca !== before.ca) this.renewed.push(caName);
    if (crlSource === undefined) return { ...before, ca };
    const crl =
      this.#guard(crlName, [crlSource], () =>
        readRevocationLists(readPem(crlSource)).map(({ pem }) => pem),
      ) ?? before.crl;
    if (crl?.join() !== before.crl?.join()) this.renewed.push(crlName);
    return { ...before, ca, crl };
  }

  #guard<Result>(
    what: string,
    sources: readonly (PemSource | undefined)[],
    read: () => Result,
  ): Result | undefined {
    return readGuarded(read, (message) => {
      const files = sources.flatMap((source) => fileOf(source) ?? []).join(', ');
      this.faults.push(`${what} stays as it was: ${files} ${message}`);
    });
  }
}

function fileOf(source: PemSource | undefined): string | undefined {
  return source !== undefined && 'file' in source ? source.file : undefined;
}
