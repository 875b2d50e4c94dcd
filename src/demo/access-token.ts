import { randomUUID } from 'node:crypto';
import type { DemoIdentity } from './identity.ts';
import type { SigningKey } from './signing-key.ts';

/** Seconds an access token lives, as FusionAuth's default. */
export const tokenLifetimeSeconds = 3_600;

/** An access token; without an application it names none, so that a gateway that asks for an audience refuses it. */
export function accessToken(
  identity: DemoIdentity,
  key: SigningKey,
  issuedAt: number,
  forApplication: boolean,
): string {
  const { user, applicationId } = identity;
  return key.sign({
    ...(forApplication ? { aud: applicationId } : {}),
    exp: issuedAt + tokenLifetimeSeconds,
    iat: issuedAt,
    iss: identity.issuer,
    sub: user.id,
    jti: randomUUID(),
    authenticationType: 'PASSWORD',
    email: user.email,
    email_verified: true,
    preferred_username: user.username,
    ...(forApplication ? { applicationId, roles: user.roles } : {}),
    auth_time: issuedAt,
    tid: identity.tenantId,
  });
}
