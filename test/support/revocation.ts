import { createHash } from 'node:crypto';
import type { RevocationConfig } from '../../src/config/config.ts';
import { request, type WireResponse } from './wire.ts';

const SECRET = 'a-secret-of-more-than-32-characters';

export const revocation: RevocationConfig = {
  secret: SECRET,
  tokenLifeMs: 3_600_000,
  entries: 20_000,
  fusionauth: undefined,
};

/** A POST with a JSON body and these header lines. */
export function post(port: number, path: string, body: string, ...fields: string[]): Promise<WireResponse> {
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...fields,
  ];
  return request(port, `${head.join('\r\n')}\r\n\r\n${Buffer.from(body).toString('latin1')}`);
}

/** Requests a revocation from the admin address. */
export function revoke(port: number, what: unknown): Promise<WireResponse> {
  return post(port, '/revocations', JSON.stringify(what), `Authorization: Bearer ${SECRET}`);
}

/** FusionAuth's signature of a body. */
export function signedClaimsOf(body: string): object {
  return { request_body_sha256: createHash('sha256').update(body).digest('base64') };
}
