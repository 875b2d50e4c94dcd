import { createHash, timingSafeEqual } from 'node:crypto';

/** A refusal for want of the secret; `body` is sent as JSON. */
export interface BearerRefusal {
  readonly status: 401 | 403;
  readonly body: { readonly error: string };
  readonly headers?: { readonly 'www-authenticate': string };
}

/** Lets bearers of one secret in (RFC 6750 §2.1). */
export class BearerGuard {
  readonly #secret: Buffer;
  readonly #realm: string;

  /** @param realm names in the challenge what the secret opens. */
  constructor(secret: string, realm: string) {
    this.#secret = digest(secret);
    this.#realm = realm;
  }

  /** The refusal for an Authorization field; undefined for the secret. */
  refusal(authorization: string | readonly string[] | undefined): BearerRefusal | undefined {
    if (typeof authorization !== 'string') {
      const challenge = { 'www-authenticate': `Bearer realm="${this.#realm}"` };
      return { status: 401, body: { error: 'the bearer secret is missing' }, headers: challenge };
    }
    const secret = /^bearer +(\S+)$/i.exec(authorization)?.[1];
    // Hashes have one length, so the time of the comparison does not depend on the length of the secret.
    if (secret === undefined || !timingSafeEqual(digest(secret), this.#secret)) {
      return { status: 403, body: { error: 'the bearer secret is wrong' } };
    }
    return undefined;
  }
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
