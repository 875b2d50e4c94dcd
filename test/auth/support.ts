import { createHash } from 'node:crypto';
import { AuthCounters } from '../../src/auth/auth-counters.ts';
import { Authorizer } from '../../src/auth/authorizer.ts';
import type { Policy } from '../../src/auth/policy/policy.ts';
import type { Revocations } from '../../src/auth/revocations.ts';
import type { Pending, Permit, Rejection } from '../../src/auth/verdict.ts';
import type { ForwardConfig, IssuerConfig } from '../../src/config/config.ts';
import { bytesAsSent, type RequestHead } from '../../src/http/message.ts';
import type { VerificationKey } from '../../src/keys/key.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { Turn } from '../../src/lib/turn.ts';
import { issuerConfig } from '../support/issuer.ts';
import { signToken, type TestKey } from '../support/tokens.ts';

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'app-1';
export const SECRET = 'a secret of at least thirty-two bytes, for HS256 only';

/** A clock that stands still until the test moves it. */
class TestClock implements Clock {
  now = Date.UTC(2026, 0, 1);

  wall(): number {
    return this.now;
  }

  monotonic(): number {
    return this.now;
  }

  /** Seconds since the epoch, `offset` seconds from the clock's now. */
  seconds(offset = 0): number {
    return this.now / 1000 + offset;
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

export function publicKey(
  key: TestKey,
  algorithms: readonly string[],
  kid: string | undefined = undefined,
): VerificationKey {
  return { id: digest(key.pem + algorithms), kid, algorithms, material: { kind: 'public', pem: key.pem } };
}

export function secretKey(secret = SECRET, kid: string | undefined = undefined): VerificationKey {
  const algorithms = ['HS256', 'HS384', 'HS512'];
  return { id: digest(secret), kid, algorithms, material: { kind: 'secret', secret } };
}

export function issuer(changes: Partial<IssuerConfig> = {}): IssuerConfig {
  return issuerConfig({
    name: 'main',
    issuer: ISSUER,
    audience: [AUDIENCE],
    algorithms: ['HS256'],
    keys: [secretKey()],
    ...changes,
  });
}

export function forward(
  headers: Readonly<Record<string, string>> = {},
  token: 'keep' | 'strip' = 'keep',
): ForwardConfig {
  return { headers: new Map(Object.entries(headers)), token, forwarded: new Set() };
}

/** Shared by all heads, because benchmarks make heads too. */
const none: readonly string[] = [];

export function head(authorization: string | undefined, count?: number): RequestHead {
  return {
    method: 'GET',
    path: '/',
    query: undefined,
    names: none,
    values: none,
    host: 'localhost',
    authorization,
    authorizationCount: count ?? (authorization === undefined ? 0 : 1),
    charset: bytesAsSent,
    framing: 'none',
    contentLength: 0,
    close: false,
    fault: undefined,
  };
}

export interface SetupOptions {
  readonly issuers?: readonly IssuerConfig[];
  readonly cache?: { readonly entries: number; readonly bytes: number };
  readonly verifiers?: number;
  readonly haproxyOrder?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly refetch?: (issuer: string) => Promise<void> | undefined;
  readonly revocations?: Revocations;
}

/** An authorizer with one route that accepts all its issuers, and everything that a test inspects. */
export class Setup {
  readonly clock = new TestClock();
  readonly counters = new AuthCounters();
  readonly authorizer: Authorizer;
  readonly policy: Policy;

  constructor(options: SetupOptions = {}) {
    const issuers = options.issuers ?? [issuer()];
    this.authorizer = new Authorizer({
      issuers: new Map(issuers.map((config) => [config.name, config])),
      cache: options.cache ?? { entries: 1000, bytes: 1 << 24 },
      verifiers: options.verifiers ?? 1,
      haproxyOrder: options.haproxyOrder ?? false,
      clock: this.clock,
      turn: new Turn(),
      counters: this.counters,
      refetch: options.refetch,
      revocations: options.revocations,
    });
    this.policy = this.route(
      issuers.map(({ name }) => name),
      options.headers,
    );
  }

  route(auth: 'none' | readonly string[], headers?: Readonly<Record<string, string>>): Policy {
    return this.authorizer.policy({ auth, forward: forward(headers) });
  }

  /** Claims that pass, with changes; a claim changed to undefined is absent. */
  claims(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    return { iss: ISSUER, aud: AUDIENCE, sub: 'user-1', exp: this.clock.seconds(3600), ...changes };
  }

  token(changes: Readonly<Record<string, unknown>> = {}, header?: unknown): string {
    return signToken('HS256', SECRET, this.claims(changes), header);
  }

  /** The verdict on a request with this token, at once or later. */
  ask(token: string, policy = this.policy): Promise<Permit | Rejection> {
    return this.askRaw(`Bearer ${token}`, 1, policy);
  }

  askRaw(
    authorization: string | undefined,
    count?: number,
    policy = this.policy,
  ): Promise<Permit | Rejection> {
    return new Promise((resolve) => {
      const verdict = this.authorizer.authorize(policy, head(authorization, count), { onVerdict: resolve });
      if (verdict.kind !== 'pending') resolve(verdict);
    });
  }

  /** The verdict if it comes at once; `pending` is cancelled. */
  now(token: string, policy = this.policy): Permit | Rejection | 'pending' {
    const verdict: Permit | Rejection | Pending = this.authorizer.authorize(policy, head(`Bearer ${token}`), {
      onVerdict: () => undefined,
    });
    if (verdict.kind !== 'pending') return verdict;
    verdict.cancel();
    return 'pending';
  }

  /** `permit`, or `reason stage`. */
  async verdict(token: string, policy = this.policy): Promise<string> {
    return verdictText(await this.ask(token, policy));
  }
}

export function verdictText(verdict: Permit | Rejection): string {
  return verdict.kind === 'permit' ? 'permit' : `${verdict.reason} ${verdict.stage}`;
}

/** A token whose parts are encoded as given, signed with HS256 so that only the checks before the signature can fail. */
export function signedParts(header: string | Buffer, payload: string | Buffer): string {
  return signToken('HS256', SECRET, payload, header);
}
