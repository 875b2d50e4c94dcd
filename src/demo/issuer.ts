import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, systemClock } from '../lib/clock.ts';
import { accessToken, tokenLifetimeSeconds } from './access-token.ts';
import { type DemoServer, readBody, sendEmpty, sendJson, serve } from './http.ts';
import type { DemoIdentity } from './identity.ts';
import { makeSigningKey, type SigningKey } from './signing-key.ts';

/** Bytes of a login request; real ones have a few hundred. */
const maxLoginBytes = 16 * 1024;

export interface DemoIssuer extends DemoServer {
  /** SPKI PEM of the key that signs the access tokens. */
  readonly publicKeyPem: string;
}

type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
) => Promise<void> | void;

/**
 * A stand-in for FusionAuth on 127.0.0.1: the login of one user and the addresses of its public key, with FusionAuth's
 * status codes. It makes its key at the start and keeps it only in memory.
 */
export async function startIssuer(options: {
  port: number;
  identity: DemoIdentity;
  /** Receives a fault of the issuer, which has cut the client's connection. */
  onError: (error: unknown) => void;
  clock?: Clock;
}): Promise<DemoIssuer> {
  const { identity, onError, clock = systemClock } = options;
  const key = await makeSigningKey();
  const handlers = new Map<string, Handler>([
    ['POST /api/login', (request, response) => login(request, response, identity, key, clock)],
    ['GET /.well-known/jwks.json', (_, response) => sendJson(response, 200, { keys: [key.jwk] })],
    [
      'GET /.well-known/openid-configuration',
      (request, response) => sendJson(response, 200, discovery(identity, request)),
    ],
    ['GET /api/jwt/public-key', (_, response, query) => publicKey(response, query, identity, key)],
  ]);
  const server = await serve(options.port, (request, response) => {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const handler = handlers.get(`${request.method} ${path}`);
    if (handler === undefined) {
      sendEmpty(response, 404);
      return;
    }
    const handle = async (): Promise<void> => handler(request, response, new URLSearchParams(query));
    handle().catch((error: unknown) => {
      // A client that leaves while its body is read is no fault of the issuer, and waits for no response.
      if (request.complete) onError(error);
      response.destroy();
    });
  });
  return { port: server.port, publicKeyPem: key.publicPem, close: () => server.close() };
}

async function login(
  request: IncomingMessage,
  response: ServerResponse,
  identity: DemoIdentity,
  key: SigningKey,
  clock: Clock,
): Promise<void> {
  const body = await readBody(request, maxLoginBytes);
  if (body === undefined) {
    response.setHeader('connection', 'close');
    sendEmpty(response, 413);
    return;
  }
  if (!sameText(request.headers.authorization ?? '', identity.apiKey)) {
    sendEmpty(response, 401);
    return;
  }
  const form = parseObject(body);
  if (form === undefined) {
    sendJson(response, 400, {
      generalErrors: [{ code: '[invalidJSON]', message: 'The request body is not a JSON object.' }],
    });
    return;
  }
  const { loginId, password, applicationId, noJWT } = form;
  const blank = Object.entries({ loginId, password }).filter(
    ([, value]) => typeof value !== 'string' || value === '',
  );
  const faults = blank.map(([name]) => fieldFault('blank', name));
  if (applicationId !== undefined && applicationId !== identity.applicationId) {
    faults.push(fieldFault('invalid', 'applicationId'));
  }
  if (faults.length > 0) {
    sendJson(response, 400, { fieldErrors: Object.fromEntries(faults) });
    return;
  }
  const { user } = identity;
  if (loginId !== user.email || !sameText(password as string, user.password)) {
    sendEmpty(response, 404);
    return;
  }
  const registrations = [
    { applicationId: identity.applicationId, username: user.username, roles: user.roles },
  ];
  const profile = {
    id: user.id,
    email: user.email,
    username: user.username,
    active: true,
    verified: true,
    tenantId: identity.tenantId,
    registrations,
  };
  if (noJWT === true) {
    sendJson(response, 200, { user: profile });
    return;
  }
  const issuedAt = Math.floor(clock.wall() / 1_000);
  sendJson(response, 200, {
    token: accessToken(identity, key, issuedAt, applicationId !== undefined),
    tokenExpirationInstant: (issuedAt + tokenLifetimeSeconds) * 1_000,
    user: profile,
  });
}

function publicKey(
  response: ServerResponse,
  query: URLSearchParams,
  identity: DemoIdentity,
  key: SigningKey,
): void {
  const kid = query.get('kid');
  const applicationId = query.get('applicationId');
  if (kid === null && applicationId === null) {
    sendJson(response, 200, { publicKeys: { [key.kid]: key.publicPem } });
  } else if (
    (kid ?? key.kid) === key.kid &&
    (applicationId ?? identity.applicationId) === identity.applicationId
  ) {
    sendJson(response, 200, { publicKey: key.publicPem });
  } else {
    sendEmpty(response, 404);
  }
}

/** The discovery document, with only the parts that this stand-in has. */
function discovery(identity: DemoIdentity, request: IncomingMessage): object {
  return {
    issuer: identity.issuer,
    jwks_uri: `http://${request.headers.host ?? '127.0.0.1'}/.well-known/jwks.json`,
    id_token_signing_alg_values_supported: ['RS256'],
    subject_types_supported: ['public'],
  };
}

function parseObject(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return { ...value };
  } catch {
    return undefined;
  }
}

function fieldFault(kind: 'blank' | 'invalid', name: string): [string, object[]] {
  return [name, [{ code: `[${kind}]${name}`, message: `The ${name} is ${kind}.` }]];
}

/** Compares digests, so that the time does not reveal at which character two texts differ. */
function sameText(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
