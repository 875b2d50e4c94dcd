import { type Admin, startAdmin } from '../../src/admin/server.ts';
import { request, type WireResponse } from '../support/wire.ts';
import { FakeView } from './fake-view.ts';
import { HandTimers } from './hand-timers.ts';

export const secret = 'correct-horse+battery&staple=%7E!';

/** An admin address with a secret, a clock that a test moves, and a handler behind the secret. */
export class LoginStand {
  readonly view = new FakeView();
  /** Monotonic milliseconds. */
  now = 1_000;
  /** Bodies that the handler behind the secret has got. */
  readonly changes: string[] = [];
  port = 0;
  #admin: Admin | undefined;

  async start(): Promise<void> {
    const answer = async (_: unknown, body: Buffer) => {
      this.changes.push(body.toString());
      return { status: 200, body: {} };
    };
    this.#admin = await startAdmin({
      host: '127.0.0.1',
      port: 0,
      hosts: ['gateway.internal'],
      secret,
      view: this.view,
      guarded: new Map([['/change/', { maxBytes: 100, answer }]]),
      clock: { wall: () => 0, monotonic: () => this.now },
      timers: new HandTimers(),
    });
    this.port = Number(this.#admin.address.split(':').at(-1));
  }

  async close(): Promise<void> {
    await this.#admin?.close();
  }

  /** A request with these fields besides Host, unless they have one. */
  send(line: string, fields: readonly string[] = [], body = ''): Promise<WireResponse> {
    const host = fields.some((field) => /^host:/i.test(field)) ? [] : [`Host: 127.0.0.1:${this.port}`];
    const length = line.startsWith('POST') ? [`Content-Length: ${body.length}`] : [];
    const head = [`${line} HTTP/1.1`, ...host, ...fields, ...length].join('\r\n');
    return request(this.port, `${head}\r\n\r\n${body}`);
  }

  /** The field by which a browser says that our own page sent the request. */
  get origin(): string {
    return `Origin: http://127.0.0.1:${this.port}`;
  }

  /** The form as a browser sends it. */
  login(text: string, ...fields: string[]): Promise<WireResponse> {
    const type = 'Content-Type: application/x-www-form-urlencoded';
    return this.send('POST /login', [this.origin, type, ...fields], `secret=${encodeURIComponent(text)}`);
  }

  /** Logs in. Returns the Cookie field of the session. */
  async session(): Promise<string> {
    return cookieOf(await this.login(secret));
  }
}

/** The Cookie field that a browser makes of a response. */
export function cookieOf({ headers }: WireResponse): string {
  return `Cookie: ${headers.get('set-cookie')?.split(';')[0]}`;
}
