import { randomUUID } from 'node:crypto';
import type { DemoIdentity } from './identity.ts';
import type { SigningKey } from './signing-key.ts';

/** Seconds an access token lives, as FusionAuth's default. */
export const tokenLifetimeSeconds = 3_600;

/** Makes an access token. Without an application it has no audience, so a gateway that demands one refuses it. */
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
