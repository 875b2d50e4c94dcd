import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a server behind a proxy has got. */
export interface Seen {
  readonly label: string;
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** Servers that answer with their label and with the request that they got. */
export class LabelledServers {
  readonly #servers = new Map<string, Server>();

  /** The port of the server with a label, which is started if need be. */
  async port(label: string): Promise<number> {
    const known = this.#servers.get(label);
    if (known !== undefined) return (known.address() as AddressInfo).port;
    const server = createServer((request, response) => {
      request.resume().on('end', () => {
        const headers = Object.entries(request.headers).map(
          ([name, value]) => [name, String(value)] as const,
        );
        const seen: Seen = { label, method: request.method ?? '', url: request.url ?? '', headers };
        const body = JSON.stringify(seen);
        response.writeHead(200, {
          'Content-Length': Buffer.byteLength(body),
          'X-Label': label,
          Server: 'inner',
        });
        response.end(body);
      });
    });
    this.#servers.set(label, server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  close(): void {
    for (const server of this.#servers.values()) {
      server.close();
      server.closeAllConnections();
    }
  }
}
