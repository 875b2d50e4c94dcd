import { Agent, request } from 'undici';

export interface UndiciOptions {
  readonly port: number;
  readonly path: string;
  readonly headers?: () => Record<string, string>;
  /** A fault of a response; undefined when it has none. */
  readonly judge: (status: number, body: string) => string | undefined;
}

/** Connections. */
const CLIENTS = 8;

/** A second client, which is widely used: it keeps its connections and retries no request either. */
export class UndiciClients {
  /** Correct responses. */
  correct = 0;
  /** Failures by kind. */
  readonly failures: Record<string, number> = {};
  readonly #agent = new Agent({ connections: CLIENTS });
  readonly #ends: readonly Promise<void>[];
  #stopping = false;

  constructor(options: UndiciOptions) {
    this.#ends = Array.from({ length: CLIENTS }, () => this.#live(options));
  }

  /** Sends no more; resolves when every current request has ended. May be called again. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#ends);
    if (!this.#agent.closed) await this.#agent.close();
  }

  async #live({ port, path, headers = () => ({}), judge }: UndiciOptions): Promise<void> {
    while (!this.#stopping) {
      const wrong = await this.#once(`http://127.0.0.1:${port}${path}`, headers(), judge);
      if (wrong === undefined) this.correct += 1;
      else this.failures[wrong] = (this.failures[wrong] ?? 0) + 1;
    }
  }

  async #once(
    url: string,
    headers: Record<string, string>,
    judge: UndiciOptions['judge'],
  ): Promise<string | undefined> {
    try {
      const { statusCode, body } = await request(url, { dispatcher: this.#agent, headers });
      return judge(statusCode, await body.text());
    } catch (error) {
      return String(error);
    }
  }
}
