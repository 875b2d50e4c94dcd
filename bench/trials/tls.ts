import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { haproxyTls } from '../gateways/haproxy.ts';
import { nodeEngineUnavailable, portcullisTls } from '../gateways/portcullis.ts';
import { includesOurs, type Trial } from '../measure.ts';
import { findProgram } from '../programs.ts';
import { CONNECTIONS, KNOWN_TOKENS } from '../scenarios.ts';
import { sideBySide } from './side-by-side.ts';

const unavailable = (): string | undefined =>
  nodeEngineUnavailable() ??
  (findProgram('openssl') === undefined ? 'openssl is not installed: apt-get install -y openssl' : undefined);

/** Known tokens on TLS connections that stay open; both sides choose version 1.3. */
export const tls: Trial = {
  name: 'tls',
  unavailable,
  async run(bench) {
    if (!includesOurs(bench)) return undefined;
    const pem = makeCertificate(bench.directory);
    const floor = haproxyTls(pem);
    const besides = bench.gateways.some(({ name }) => name === floor.name) ? [floor] : [];
    return sideBySide(bench, {
      name: 'tls',
      description: 'tokens in turn, all seen before, on TLS connections that stay open',
      gateways: [portcullisTls(pem), ...besides],
      baselines: [floor.name],
      tokens: KNOWN_TOKENS,
      connections: CONNECTIONS,
    });
  },
};

/** Makes a certificate of its own with a P-256 key. @returns the file of both. */
function makeCertificate(folder: string): string {
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
  return both;
}
