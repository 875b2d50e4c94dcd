import { resolve as absolute } from 'node:path';
import type { AddressTerms, AdminAddress, TrafficAddress } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import { formatAddress, overlap } from '../schema/address.ts';
import type { FileListen } from '../schema/listen.ts';
import type { FileConfig } from '../schema/schema.ts';
import type { Findings } from './findings.ts';
import { resolveTls } from './tls.ts';

/** Bytes: the kernel takes 107, and the name gets a suffix while the socket is made. */
const MAX_SOCKET_PATH_BYTES = 100;

/** The place of each address in the file. */
export function listenPaths({ listen }: FileConfig): readonly KeyPath[] {
  return Array.isArray(listen) ? listen.map((_, index) => ['listen', index]) : [['listen']];
}

/** Refuses a path that the kernel could not take. */
export function checkSocketPath(
  address: { readonly host: string } | { readonly path: string },
  path: KeyPath,
  findings: Findings,
): void {
  const bytes = 'path' in address ? Buffer.byteLength(address.path) : 0;
  if (bytes <= MAX_SOCKET_PATH_BYTES) return;
  findings.fault(
    path,
    `has a path of ${bytes} bytes, counted from the root; must be at most ${MAX_SOCKET_PATH_BYTES}`,
  );
}

export function resolveListen(
  file: FileConfig,
  admin: AdminAddress,
  folder: string,
  findings: Findings,
): readonly TrafficAddress[] {
  if (file.listen === undefined) {
    findings.missing(['listen'], 'an address such as 0.0.0.0:8080, or a list of them');
    return [];
  }
  const paths = listenPaths(file);
  const listen: TrafficAddress[] = [];
  [file.listen].flat().forEach((entry, index) => {
    const path = paths[index] as KeyPath;
    const address = resolveAddress(entry, path, file, folder, findings);
    if (address === undefined) {
      findings.missing([...path, 'address'], 'an address such as 0.0.0.0:8080');
      return;
    }
    listen.push(address);
    const twin = listen.slice(0, -1).find((other) => overlap(other, address));
    if (twin !== undefined) {
      const what = 'path' in address ? 'path' : 'port';
      findings.fault(path, `asks for a ${what} that ${formatAddress(twin)} has already; must be another`);
    }
    checkSocketPath(address, path, findings);
  });
  if (listen.some((address) => overlap(address, admin)) && !findings.wasWrong(['admin'])) {
    findings.fault(['admin'], 'is an address of listen too; must be another, out of reach of the traffic');
  }
  return listen;
}

type ListenEntry = Exclude<NonNullable<FileConfig['listen']>, readonly unknown[]>;

/** Undefined when the entry names no address. */
function resolveAddress(
  entry: ListenEntry,
  path: KeyPath,
  file: FileConfig,
  folder: string,
  findings: Findings,
): TrafficAddress | undefined {
  const terms: Partial<FileListen> = isObject(entry) ? entry : { address: entry };
  const { address, engine = 'auto', tls: fileTls } = terms;
  const tls = fileTls && resolveTls(fileTls, [...path, 'tls'], folder, findings);
  if (fileTls !== undefined && engine === 'uws') {
    findings.fault([...path, 'engine'], 'is uws, which speaks no TLS here; must be auto or node');
  }
  const further = resolveTerms(terms, path, file, findings);
  if (address === undefined) return undefined;
  const place = { ...('path' in address ? { path: absolute(folder, address.path) } : address), ...further };
  return { ...place, ...(engine === 'auto' ? {} : { engine }), ...(tls === undefined ? {} : { tls }) };
}

function isObject(entry: ListenEntry): entry is FileListen {
  return 'engine' in entry;
}

/** What an address says of its connections beside TLS. @param path of the address. */
function resolveTerms(
  terms: Partial<FileListen>,
  path: KeyPath,
  file: FileConfig,
  findings: Findings,
): Omit<AddressTerms, 'tls' | 'engine'> {
  return {
    ...resolveEntrance(terms, path, file, findings),
    ...resolveProtocols(terms, path, findings),
  };
}

/** None where they are those that the address has anyway. */
function resolveProtocols(
  { protocols, tls, engine }: Partial<FileListen>,
  path: KeyPath,
  findings: Findings,
): Pick<AddressTerms, 'protocols'> {
  if (protocols === undefined) return {};
  const at = [...path, 'protocols'];
  if (new Set(protocols).size < protocols.length) findings.fault(at, 'names one twice; must name each once');
  if (tls !== undefined) {
    if (protocols.includes('h2c'))
      findings.fault(at, 'names h2c, which is HTTP/2 without TLS; must be h2 beside tls');
    return { protocols };
  }
  if (protocols.includes('h2'))
    findings.fault(at, 'names h2, which needs tls; must be h2c for HTTP/2 without TLS');
  if (!protocols.includes('h2c')) return {};
  if (engine === 'uws') {
    findings.fault([...path, 'engine'], 'is uws, which does not know HTTP/2; must be auto or node');
  }
  return { protocols };
}

function resolveEntrance(
  { proxyProtocol = 'off', engine, redirect, tls }: Partial<FileListen>,
  path: KeyPath,
  file: FileConfig,
  findings: Findings,
): Pick<AddressTerms, 'redirect' | 'proxyProtocol'> {
  if (redirect !== undefined && tls !== undefined) {
    findings.fault([...path, 'redirect'], 'leads to https, which this address speaks; must be left out');
  }
  const terms = redirect === undefined ? {} : { redirect };
  if (proxyProtocol === 'off') return terms;
  if (engine === 'uws') {
    findings.fault(
      [...path, 'engine'],
      'is uws, which does not know the PROXY protocol; must be auto or node',
    );
  }
  if (file.trustedProxies.length === 0 && !findings.wasWrong(['trustedProxies'])) {
    findings.fault(
      [...path, 'proxyProtocol'],
      'needs trustedProxies, which is empty; must be off, or they must name the proxy',
    );
  }
  return { ...terms, proxyProtocol };
}
