import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../programs.ts';

/** The name in the certificates of the servers. */
export const SERVER_NAME = 'app.internal';

/** Files in PEM. */
export interface Certificates {
  readonly authority: string;
  /** Certificate and key: one is valid, the other expired a day ago. */
  readonly good: string;
  readonly expired: string;
}

/** Makes an authority and two certificates, with P-256 keys. */
export function makeCertificates(folder: string): Certificates {
  const file = (name: string): string => join(folder, name);
  const openssl = (line: string, ...more: string[]): void => {
    execFileSync(findProgram('openssl') ?? 'openssl', [...line.split(' '), ...more], { stdio: 'pipe' });
  };
  const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';
  const [authority, authorityKey, key, request] = ['ca.pem', 'ca.key', 'server.key', 'server.csr'].map(
    file,
  ) as [string, string, string, string];
  openssl(`req -x509 ${newKey} -days 2 -subj /CN=authority`, '-keyout', authorityKey, '-out', authority);
  openssl(
    `req -new ${newKey} -subj /CN=server -addext subjectAltName=DNS:${SERVER_NAME}`,
    ...['-keyout', key, '-out', request],
  );
  const issue = (name: string, days: number): string => {
    const both = file(name);
    openssl(
      `x509 -req -days ${days} -copy_extensions copy`,
      ...['-in', request, '-CA', authority, '-CAkey', authorityKey, '-out', both],
    );
    writeFileSync(both, readFileSync(both, 'latin1') + readFileSync(key, 'latin1'), { mode: 0o600 });
    return both;
  };
  return { authority, good: issue('good.pem', 2), expired: issue('expired.pem', -1) };
}
