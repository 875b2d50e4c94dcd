import type { Clock } from '../lib/clock.ts';
import { type AdminGuard, sessionCookie, sessionIds } from './guard.ts';
import { LoginAttempts } from './login-attempts.ts';
import { loginPage } from './login-page.ts';
import { type Page, seeOther } from './page.ts';
import type { PostHandler, PostHeaders, PostReply } from './post-handler.ts';
import { requestOrigin } from './request-origin.ts';
import { Sessions } from './sessions.ts';

/** Bytes of a form: a secret of 512 characters, each as an escape of three bytes. */
const MAX_FORM_BYTES = 2048;

const elsewhere: PostReply = {
  status: 403,
  body: {
    error: 'the form must be sent by the page /login of this address; programs have the bearer secret',
  },
};

/** `POST /login`: a browser that sends the secret gets a cookie. The cookie is an id without meaning, never the secret. */
export class Login implements PostHandler {
  readonly maxBytes = MAX_FORM_BYTES;
  readonly #guard: AdminGuard;
  readonly #sessions: Sessions;
  readonly #attempts: LoginAttempts;
  readonly #home: string;

  /** @param home path of the page that follows. */
  constructor(guard: AdminGuard, sessions: Sessions, clock: Clock, home: string) {
    this.#guard = guard;
    this.#sessions = sessions;
    this.#attempts = new LoginAttempts(clock);
    this.#home = home;
  }

  /** Another site must not log a browser in, under a session that the site knows. */
  refuse(headers: PostHeaders): PostReply | undefined {
    return requestOrigin(headers, 'POST') === 'own' ? undefined : elsewhere;
  }

  async answer(headers: PostHeaders, body: Buffer, _below: string, peer: string): Promise<Page> {
    const wait = this.#attempts.waitSeconds(peer);
    if (wait > 0) {
      return loginPage(429, `Too many attempts. Wait ${wait} s.`, { 'retry-after': String(wait) });
    }
    const secret = new URLSearchParams(body.toString('latin1')).get('secret') ?? '';
    if (!this.#guard.isSecret(secret)) {
      this.#attempts.failed(peer);
      return loginPage(403, 'That is not the secret.');
    }
    // A session from before is not taken over, so that none that another program placed becomes valid.
    endSessions(headers, this.#sessions);
    const cookie = sessionCookie(this.#sessions.begin(), Sessions.lifeSeconds, isSecure(headers));
    return seeOther(this.#home, { 'set-cookie': cookie });
  }
}

/** `POST /logout`: ends the session of the cookie, and removes the cookie. */
export class Logout implements PostHandler {
  readonly maxBytes = MAX_FORM_BYTES;
  readonly #sessions: Sessions;

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  refuse(headers: PostHeaders): PostReply | undefined {
    return requestOrigin(headers, 'POST') === 'own' ? undefined : elsewhere;
  }

  async answer(headers: PostHeaders): Promise<Page> {
    endSessions(headers, this.#sessions);
    return seeOther('/login', { 'set-cookie': sessionCookie('', 0, isSecure(headers)) });
  }
}

function endSessions(headers: PostHeaders, sessions: Sessions): void {
  for (const id of sessionIds(headers)) sessions.end(id);
}

/**
 * Whether the browser came by https, through a proxy. It says so itself in Origin, so no header of a proxy has to be
 * trusted: a client that lies has only its own cookie for it.
 */
function isSecure({ origin }: PostHeaders): boolean {
  return typeof origin === 'string' && origin.startsWith('https://');
}
