import { Agent, request } from 'undici';
import { SteadyLoad } from './steady-load.ts';

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
export class UndiciClients extends SteadyLoad {
  readonly #agent = new Agent({ connections: CLIENTS });

  constructor(options: UndiciOptions) {
    super();
    this.begin(CLIENTS, () => this.#live(options));
  }

  /** May be called again. */
  override async stop(): Promise<void> {
    await super.stop();
    if (!this.#agent.closed) await this.#agent.close();
  }

  async #live({ port, path, headers = () => ({}), judge }: UndiciOptions): Promise<void> {
    while (!this.stopping) {
      const over = this.track();
      const wrong = await this.#once(`http://127.0.0.1:${port}${path}`, headers(), judge);
      over();
      if (wrong === undefined) this.correct += 1;
      else this.fail(wrong);
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
