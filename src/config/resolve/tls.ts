import { readRevocationLists } from '../../keys/revocation-lists.ts';
import { issuerIn, type ServerCertificate } from '../../keys/tls-certificate.ts';
import { cipherList } from '../../keys/tls-context.ts';
import { hasTrustGap } from '../../keys/trust-gap.ts';
import { systemClock } from '../../lib/clock.ts';
import type { CertificateConfig, PemSource, TlsConfig } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import type { FileCertificate, FileTls } from '../schema/tls.ts';
import { pemSource, readAuthoritiesOf, readPem } from '../source/pem-source.ts';
import type { Findings } from './findings.ts';
import { guardPem, pemName, readPair } from './pem-file.ts';

/** The TLS of one address, its files read. Faults go to the findings; undefined when nothing of it can serve. */
export function resolveTls(
  tls: FileTls,
  path: KeyPath,
  folder: string,
  findings: Findings,
): TlsConfig | undefined {
  const certificates = resolveCertificates(tls.certificates, [...path, 'certificates'], folder, findings);
  certificates.forEach((one, index) => {
    if (one.mustStaple) warnOfStaple(one, tls, [...path, 'certificates', index], findings);
  });
  const list = cipherList(tls.ciphers);
  if ('fault' in list) {
    findings.fault(
      [...path, 'ciphers'],
      `${list.fault}; must be default, or an OpenSSL list such as ECDHE+AESGCM:ECDHE+CHACHA20`,
    );
  }
  const clientCertificates =
    tls.clientCertificates &&
    resolveClients(tls.clientCertificates, [...path, 'clientCertificates'], folder, findings);
  if (certificates.length === 0 || 'fault' in list) return undefined;
  return {
    certificates,
    minVersion: tls.minVersion,
    ciphers: list.ciphers,
    unknownName: tls.unknownName,
    stapling: tls.stapling === 'on',
    clientCertificates,
  };
}

function resolveCertificates(
  given: FileTls['certificates'],
  path: KeyPath,
  folder: string,
  findings: Findings,
): readonly CertificateConfig[] {
  if (given === undefined) {
    findings.missing(path, 'a path to a PEM file with chain and key, { cert: …, key: … }, or a list of them');
    return [];
  }
  const entries = (Array.isArray(given) ? given : [given]) as readonly FileCertificate[];
  const certificates: CertificateConfig[] = [];
  entries.forEach((entry, index) => {
    const at = Array.isArray(given) ? [...path, index] : path;
    const found = resolveCertificate(entry, at, folder, findings);
    if (found === undefined) return;
    const twin = certificates.find((other) => hides(other, found));
    if (twin !== undefined) {
      findings.warn(
        at,
        `is never chosen: each of its names has ${twin.name} of the same kind of key before it`,
      );
    }
    certificates.push(found);
  });
  return certificates;
}

/** Whether the first certificate is chosen wherever the second one could be. */
function hides(first: ServerCertificate, second: ServerCertificate): boolean {
  return first.keyType === second.keyType && second.names.every((name) => first.names.includes(name));
}

function resolveCertificate(
  entry: FileCertificate,
  path: KeyPath,
  folder: string,
  findings: Findings,
): CertificateConfig | undefined {
  const given = typeof entry === 'string' ? { cert: entry } : entry;
  const { cert, key, passphrase } = given as { cert?: string; key?: string; passphrase?: string };
  const certPath = typeof entry === 'string' ? path : [...path, 'cert'];
  if (cert === undefined) {
    findings.missing(certPath, 'a path to a PEM file with the chain');
    return undefined;
  }
  if (findings.wasWrongInside(path)) return undefined;
  const paths = { cert: certPath, key: [...path, 'key'] };
  const pair = readPair({ cert, key, passphrase }, paths, folder, findings);
  if (pair === undefined) return undefined;
  const { read, name, source } = pair;
  warnOf(read, name, certPath, findings);
  return { ...read, name: read.names[0] ?? name, source };
}

function warnOf(read: ServerCertificate, name: string, path: KeyPath, findings: Findings): void {
  const now = systemClock.wall();
  const day = (time: number): string => new Date(time).toISOString();
  if (read.validTo <= now) {
    findings.warn(
      path,
      `${name} has expired at ${day(read.validTo)}, so clients refuse it; a newer one is meant`,
    );
  }
  if (read.validFrom > now) {
    findings.warn(
      path,
      `${name} is not valid before ${day(read.validFrom)}, so clients refuse it until then`,
    );
  }
  if (read.names.length === 0) {
    findings.warn(
      path,
      `${name} names no host in its subjectAltName, so clients refuse it; one with the names of this gateway is meant`,
    );
  }
  if (hasTrustGap(read.cert)) {
    findings.warn(
      path,
      `${name} holds a chain whose last issuer is no public root; the intermediate certificate belongs behind it, unless clients know the issuer`,
    );
  }
}

/** A certificate that clients refuse without an OCSP response, for which the gateway has no way to one. */
function warnOfStaple(one: CertificateConfig, tls: FileTls, path: KeyPath, findings: Findings): void {
  const why = [
    ...(tls.stapling === 'on' ? [] : ['stapling is off']),
    ...(one.responder === undefined ? ['it names no responder'] : []),
    ...(issuerIn(one) !== undefined ? [] : ['its file does not hold the certificate that issued it']),
  ];
  if (why.length === 0) return;
  const at = Array.isArray(tls.certificates) ? path : path.slice(0, -1);
  findings.warn(
    at,
    `must have an OCSP response beside it (RFC 7633), and gets none: ${why.join(', ')}; clients refuse it so`,
  );
}

function resolveClients(
  clients: NonNullable<FileTls['clientCertificates']>,
  path: KeyPath,
  folder: string,
  findings: Findings,
): TlsConfig['clientCertificates'] {
  const { ca: caEntry, crl: crlEntry, mode } = clients;
  const guard = <Result>(entry: string, source: PemSource, key: string, read: () => Result) =>
    guardPem([...path, key], pemName(entry, source, [...path, key], findings), findings, read);
  if (caEntry === undefined) {
    findings.missing([...path, 'ca'], 'a path to a PEM file with the authorities of clients');
    return undefined;
  }
  const source = {
    ca: pemSource(caEntry, folder),
    crl: crlEntry === undefined ? undefined : pemSource(crlEntry, folder),
  };
  const ca = guard(caEntry, source.ca, 'ca', () => readAuthoritiesOf(source.ca));
  const { crl: crlSource } = source;
  const lists =
    crlEntry === undefined || crlSource === undefined
      ? undefined
      : guard(crlEntry, crlSource, 'crl', () => readRevocationLists(readPem(crlSource)));
  const due = Math.min(...(lists ?? []).map(({ nextUpdate }) => nextUpdate ?? Number.POSITIVE_INFINITY));
  if (crlEntry !== undefined && crlSource !== undefined && due <= systemClock.wall()) {
    findings.warn(
      [...path, 'crl'],
      `${pemName(crlEntry, crlSource, [...path, 'crl'], findings)} holds a list whose successor was due at ${new Date(due).toISOString()}, so every client of its authority is refused; a newer list is meant`,
    );
  }
  return ca === undefined ? undefined : { ca, crl: lists?.map(({ pem }) => pem), mode, source };
}
