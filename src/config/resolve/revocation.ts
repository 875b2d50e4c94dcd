import { fitSecret } from '../../keys/fit.ts';
import type { VerificationKey } from '../../keys/key.ts';
import { KeyError } from '../../keys/key-error.ts';
import { checkSecret } from '../../keys/secret.ts';
import { RedisUrlError, readRedisUrl } from '../../lib/redis-url.ts';
import type { IssuerConfig, RevocationConfig, TrafficAddress } from '../config.ts';
import { formatAddress, overlap } from '../schema/address.ts';
import type { FileSecret } from '../schema/keys.ts';
import { nearest } from '../schema/nearest.ts';
import { secretHint } from '../schema/revocation.ts';
import type { FileConfig } from '../schema/schema.ts';
import type { Findings } from './findings.ts';
import { resolveSecret } from './secret.ts';

/** Characters of a bearer secret: 128 bits even in hexadecimal digits. */
export const MIN_SECRET = 32;

type Webhooks = NonNullable<RevocationConfig['fusionauth']>;

export function resolveRevocation(
  file: FileConfig,
  listen: readonly TrafficAddress[],
  issuers: ReadonlyMap<string, IssuerConfig>,
  findings: Findings,
): RevocationConfig | undefined {
  const { revocation } = file;
  if (revocation === undefined) return undefined;
  const { secret, tokenLife, entries } = revocation;
  if (
    secret === undefined &&
    revocation.fusionauth === undefined &&
    revocation.redis === undefined &&
    !['secret', 'fusionauth', 'redis'].some((key) => findings.wasWrong(['revocation', key]))
  ) {
    findings.fault(
      ['revocation'],
      'has no source of revocations; must have secret, fusionauth or redis',
      'key',
    );
  }
  for (const key of ['secret', 'redisSecret'] as const) {
    if ((revocation[key]?.length ?? MIN_SECRET) >= MIN_SECRET) continue;
    findings.fault(['revocation', key], `is short enough to be guessed; must be ${secretHint}`);
  }
  if (file.state === undefined && revocation.redis === undefined && !findings.wasWrong(['state'])) {
    findings.warn(['revocation'], 'without state or redis: revocations are lost at a restart');
  }
  for (const { name, expiry, maxAgeMs } of issuers.values()) {
    if (expiry !== 'optional' || maxAgeMs !== Number.POSITIVE_INFINITY) continue;
    findings.warn(
      ['issuers', name, 'expiry'],
      'optional: revocations of tokens without exp are kept for ever; maxAge would end them',
    );
  }
  return {
    secret,
    tokenLifeMs: tokenLife,
    entries,
    redis: resolveRedis(file, findings),
    fusionauth: resolveWebhooks(file, listen, findings),
  };
}

function resolveRedis(file: FileConfig, findings: Findings): RevocationConfig['redis'] {
  const { redis: url, redisRequired: required, redisSecret: secret } = file.revocation ?? {};
  if (url === undefined) {
    if (required === true && !findings.wasWrong(['revocation', 'redis'])) {
      findings.fault(['revocation', 'redisRequired'], 'is there without redis; must be left out', 'key');
    }
    if (secret !== undefined && !findings.wasWrong(['revocation', 'redis'])) {
      findings.fault(['revocation', 'redisSecret'], 'is there without redis; must be left out', 'key');
    }
    return undefined;
  }
  try {
    readRedisUrl(url);
  } catch (error) {
    if (!(error instanceof RedisUrlError)) throw error;
    findings.fault(['revocation', 'redis'], `${error.message}; must be a URL such as redis://127.0.0.1:6379`);
  }
  if (secret === undefined && !findings.wasWrong(['revocation', 'redisSecret'])) {
    findings.warn(
      ['revocation', 'redis'],
      'without redisSecret: everybody who can write to that Redis can revoke any token',
    );
  }
  return { url, required: required === true, secret };
}

function resolveWebhooks(
  file: FileConfig,
  listen: readonly TrafficAddress[],
  findings: Findings,
): Webhooks | undefined {
  const webhooks = file.revocation?.fusionauth;
  if (webhooks === undefined) return undefined;
  const path = ['revocation', 'fusionauth'];
  const known = Object.keys(file.issuers);
  const issuer = webhooks.issuer ?? '';
  if (webhooks.issuer === undefined) findings.missing([...path, 'issuer'], 'the name of an issuer');
  else if (!known.includes(issuer) && !findings.wasWrong(['issuers', issuer])) {
    const meant = nearest(issuer, known);
    findings.fault(
      [...path, 'issuer'],
      `is not the name of an issuer; must be ${meant === undefined ? `one of ${known.join(', ')}` : `${meant} if that is meant`}`,
    );
  }
  const at = webhooks.listen;
  const twin = at === undefined ? undefined : [...listen, file.admin].find((other) => overlap(other, at));
  if (twin !== undefined) {
    findings.fault(
      [...path, 'listen'],
      `asks for a port that ${formatAddress(twin)} has already; must be another, or left out for the admin address`,
    );
  }
  return { issuer, listen: at, key: resolveKey(webhooks.secret, [...path, 'secret'], findings) };
}

function resolveKey(
  given: FileSecret | undefined,
  path: readonly string[],
  findings: Findings,
): VerificationKey | undefined {
  const secret = given === undefined ? undefined : resolveSecret(given, path, findings);
  if (secret === undefined) return undefined;
  const bytes = Buffer.byteLength(secret);
  // FusionAuth's secrets are as long as the hash of their algorithm, so a short secret rules out the longer hashes.
  const algorithms = ['HS256', 'HS384', 'HS512'].filter(
    (_, index) => index === 0 || bytes >= 32 + 16 * index,
  );
  try {
    checkSecret(secret, algorithms);
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    findings.fault(path, error.message);
    return undefined;
  }
  return fitSecret(secret, algorithms);
}
