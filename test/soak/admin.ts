import { request } from 'node:http';
import { REVOCATION_SECRET } from './config.ts';

export interface WorkerStatus {
  readonly pid: number;
  readonly state: 'starting' | 'serving' | 'draining';
  readonly connections: number;
}

export interface Status {
  readonly listeners: readonly WorkerStatus[];
  readonly keySets: readonly { readonly issuer: string; readonly kids: readonly string[] }[];
}

/** The counts of a gateway. */
export class Metrics {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The sum of a metric over all its labels. */
  sum(name: string): number {
    return this.#values(name).reduce((sum, [, value]) => sum + value, 0);
  }

  /** Its values by one label, summed over the others. */
  by(name: string, label: string): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    for (const [labels, value] of this.#values(name)) {
      const key = new RegExp(`\\b${label}="([^"]*)"`).exec(labels)?.[1] ?? '';
      sums.set(key, (sums.get(key) ?? 0) + value);
    }
    return sums;
  }

  /** The lines that match. */
  lines(pattern: RegExp): readonly string[] {
    return this.#text.match(pattern) ?? [];
  }

  #values(name: string): readonly (readonly [labels: string, value: number])[] {
    const lines = this.#text.matchAll(new RegExp(`^${name}(\\{.*\\})? (\\S+)$`, 'gm'));
    return Array.from(lines, ([, labels = '', value]) => [labels, Number(value)] as const);
  }
}

/** The admin address of a gateway. Each call has its own connection, so that none stays open. */
export class Admin {
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async status(): Promise<Status> {
    return JSON.parse(await this.#ask('GET', '/status')) as Status;
  }

  async metrics(): Promise<Metrics> {
    return new Metrics(await this.#ask('GET', '/metrics'));
  }

  async revoke(jti: string): Promise<void> {
    await this.#ask('POST', '/revocations', JSON.stringify({ jti }));
  }

  #ask(method: string, path: string, body = ''): Promise<string> {
    const headers = {
      authorization: `Bearer ${REVOCATION_SECRET}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.#port, method, path, headers, agent: false };
      const asked = request(options, async (response) => {
        let text = '';
        for await (const piece of response.setEncoding('utf8')) text += piece;
        const { statusCode = 0 } = response;
        if (statusCode >= 200 && statusCode < 300) resolve(text);
        else reject(new Error(`${method} ${path} was answered with ${statusCode}: ${text}`));
      });
      asked.on('error', reject);
      asked.end(body);
    });
  }
}
