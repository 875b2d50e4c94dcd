import { BearerGuard } from '../lib/bearer-guard.ts';
import type { PostHeaders, PostReply } from './post-handler.ts';
import { requestOrigin } from './request-origin.ts';
import type { Sessions } from './sessions.ts';

const COOKIE = 'portcullis_session';

const notFromHere: PostReply = {
  status: 403,
  body: {
    error:
      'the cookie is for the pages of this address alone: the request names no page, so it needs the bearer secret',
  },
};

/** Lets in bearers of the secret of the admin address, and browsers that have logged in with it. */
export class AdminGuard {
  readonly #bearer: BearerGuard;
  readonly #sessions: Sessions;

  constructor(secret: string, sessions: Sessions) {
    this.#bearer = new BearerGuard(secret, 'portcullis admin');
    this.#sessions = sessions;
  }

  /** Whether a text is the secret. The time that this takes does not depend on the text. */
  isSecret(text: string): boolean {
    return this.#bearer.refusal(`Bearer ${text}`) === undefined;
  }

  /**
   * The refusal of a request; undefined for one with the secret or a session.
   * @param changes the request changes something. With the cookie alone it must then come from a page of this address:
   *   `SameSite` does not tell other ports of this host from our own.
   */
  refusal(headers: PostHeaders, changes: boolean): PostReply | undefined {
    const { authorization } = headers;
    if (authorization !== undefined || !this.hasSession(headers)) return this.#bearer.refusal(authorization);
    return changes && requestOrigin(headers, 'POST') !== 'own' ? notFromHere : undefined;
  }

  hasSession(headers: PostHeaders): boolean {
    return sessionIds(headers).some((id) => this.#sessions.has(id));
  }
}

/** The ids in the cookies of a request. A browser may have several of one name, by their paths. */
export function sessionIds({ cookie }: PostHeaders): readonly string[] {
  if (typeof cookie !== 'string') return [];
  return cookie.split(';').flatMap((pair) => {
    const [, id] = /^\s*portcullis_session=([\w-]{43})\s*$/.exec(pair) ?? [];
    return id === undefined ? [] : [id];
  });
}

/** The Set-Cookie field of a session, or the one that removes it, with an empty id and 0 seconds. */
export function sessionCookie(id: string, seconds: number, secure: boolean): string {
  return `${COOKIE}=${id}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}
