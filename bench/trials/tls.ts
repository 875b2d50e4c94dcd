import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { haproxyTls } from '../gateways/haproxy.ts';
import { nodeEngineUnavailable, portcullisTls } from '../gateways/portcullis.ts';
import { h2loadUnavailable, newConnections } from '../load/h2load.ts';
import { type Bench, includesOurs, type Trial } from '../measure.ts';
import { findProgram } from '../programs.ts';
import type { ScenarioResult } from '../results.ts';
import { CONNECTIONS, KNOWN_TOKENS } from '../scenarios.ts';
import { type SideBySide, sideBySide } from './side-by-side.ts';

/** Why no certificate can be made here, with the remedy; undefined when one can. */
export const opensslMissing = (): string | undefined =>
  findProgram('openssl') === undefined ? 'openssl is not installed: apt-get install -y openssl' : undefined;

/** Why no gateway can speak TLS with clients here, with the remedy; undefined when they can. */
export const tlsUnavailable = (): string | undefined => nodeEngineUnavailable() ?? opensslMissing();

/** Known tokens on TLS connections that stay open; both sides choose version 1.3. */
export const tls: Trial = {
  name: 'tls',
  unavailable: tlsUnavailable,
  run: (bench) =>
    besideHaproxy(bench, {
      name: 'tls',
      description: 'tokens in turn, all seen before, on TLS connections that stay open',
      tokens: KNOWN_TOKENS,
    }),
};

/** A TLS connection for each request, without resumption of sessions. */
export const tlsHandshake: Trial = {
  name: 'tls-handshake',
  unavailable: () => tlsUnavailable() ?? h2loadUnavailable(),
  run: (bench) =>
    besideHaproxy(
      { ...bench, load: newConnections(bench.setup.subprocesses, bench.directory) },
      {
        name: 'tls-handshake',
        description: 'token, seen before, each request on a TLS connection of its own, no session resumed',
        tokens: 1,
      },
    ),
};

async function besideHaproxy(
  bench: Bench,
  load: Pick<SideBySide, 'name' | 'description' | 'tokens'>,
): Promise<ScenarioResult | undefined> {
  if (!includesOurs(bench)) return undefined;
  const { both: pem } = makeCertificate(bench.directory);
  const floor = haproxyTls(pem);
  const besides = bench.gateways.some(({ name }) => name === floor.name) ? [floor] : [];
  return sideBySide(bench, {
    ...load,
    gateways: [portcullisTls(pem), ...besides],
    baselines: [floor.name],
    connections: CONNECTIONS,
  });
}

/** Files in PEM. */
export interface Certificate {
  readonly certificate: string;
  /** The certificate, then its key. */
  readonly both: string;
}

/** Makes a certificate of its own for `localhost`, with a P-256 key. @returns files. */
export function makeCertificate(folder: string): Certificate {
  const [key, certificate, both] = ['tls.key', 'tls.crt', 'tls.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const asked =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1';
  execFileSync(
    findProgram('openssl') ?? 'openssl',
    [...asked.split(' '), '-keyout', key, '-out', certificate],
    {
      stdio: 'pipe',
    },
  );
  writeFileSync(both, readFileSync(certificate, 'latin1') + readFileSync(key, 'latin1'), { mode: 0o600 });
  return { certificate, both };
}
