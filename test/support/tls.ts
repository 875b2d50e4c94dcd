import { once } from 'node:events';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { CertificateConfig, ClientCertificatesConfig, TlsConfig } from '../../src/config/config.ts';
import { readServerCertificate } from '../../src/keys/server-certificate.ts';
import { cipherList } from '../../src/keys/tls-context.ts';
import type { Issued } from './authority.ts';

/** @param chain certificates of authorities behind that of the server, PEM. */
export function certificateConfig({ cert, key }: Issued, chain = ''): CertificateConfig {
  const read = readServerCertificate(cert + chain, key, undefined);
  const source = { cert: { text: cert + chain }, key: { text: key }, passphrase: undefined };
  return { ...read, name: read.names[0] ?? 'unnamed', source };
}

/** The TLS of an address with these certificates. */
export function tlsConfig(
  certificates: readonly CertificateConfig[],
  rest: Partial<TlsConfig> = {},
): TlsConfig {
  const list = cipherList('default');
  return {
    certificates,
    minVersion: 'TLSv1.2',
    ciphers: 'ciphers' in list ? list.ciphers : '',
    unknownName: 'default',
    stapling: true,
    clientCertificates: undefined,
    ...rest,
  };
}

/** @param ca PEM. @param crl lists of revoked certificates, PEM. */
export function clientCertificates(
  ca: string,
  crl: readonly string[] | undefined,
  mode: ClientCertificatesConfig['mode'],
): ClientCertificatesConfig {
  return { ca, crl, mode, source: { ca: { text: ca }, crl: crl && { text: crl.join('') } } };
}

/** A connection whose handshake is over. `onSession` takes what resumes it, which may come later. Rejects when the server refuses it. */
export async function connectTls(
  port: number,
  options: ConnectionOptions = {},
  onSession: (session: Buffer) => void = () => {},
): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  socket.on('error', () => {});
  socket.on('session', onSession);
  const failed = once(socket, 'close').then(() => {
    throw new Error('the connection was closed');
  });
  failed.catch(() => {});
  await Promise.race([once(socket, 'secureConnect'), failed]);
  return socket;
}

/** Sends a request and collects what comes until the server closes. */
export async function exchange(socket: TLSSocket, request: string): Promise<string> {
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    text += chunk;
  });
  socket.write(request, 'latin1');
  // `once` would reject for a reset, which is one way to close.
  if (!socket.closed) await new Promise((closed) => socket.on('close', closed));
  return text;
}
