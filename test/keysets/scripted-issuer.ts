import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestKey } from '../support/tokens.ts';

type Responder = (response: ServerResponse, request: IncomingMessage) => void;

/** One public key as an entry of a key set. */
export function jwk(key: TestKey, members: Readonly<Record<string, unknown>> = {}): object {
  return { ...key.publicKey.export({ format: 'jwk' }), ...members };
}

export const keySetText = (...keys: readonly object[]): string => JSON.stringify({ keys });

/** A response with status 200. */
export function ok(text: string, headers: Readonly<Record<string, string>> = {}): Responder {
  return (response) => response.writeHead(200, headers).end(text);
}

export const keySet = (...keys: readonly object[]): Responder => ok(keySetText(...keys));

export function status(code: number, headers: Readonly<Record<string, string>> = {}): Responder {
  return (response) => response.writeHead(code, headers).end('nothing here');
}

/** Holds the request without a byte of response. */
export const hang: Responder = () => {};

/** Ends the connection in the middle of the body. */
export const drop: Responder = (response) => {
  response.writeHead(200, { 'content-length': '1000' });
  response.write('{"keys"', () => response.destroy());
};

/** An issuer on loopback that responds to every request as scripted. */
export class ScriptedIssuer {
  /** The response to each path; most tests use `/keys`. */
  readonly responses = new Map<string, Responder>();
  /** Requested paths, in order. */
  readonly asked: string[] = [];
  readonly #server: Server;
  readonly #scheme: string;
  #waiting: (() => void)[] = [];

  private constructor(tls?: { readonly cert: string; readonly key: string }) {
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      const path = request.url ?? '';
      this.asked.push(path);
      (this.responses.get(path) ?? status(404))(response, request);
      for (const wake of this.#waiting.splice(0)) wake();
    };
    this.#scheme = tls === undefined ? 'http' : 'https';
    this.#server = tls === undefined ? createServer(serve) : createSecureServer(tls, serve);
  }

  static async start(
    options: { readonly port?: number; readonly tls?: { readonly cert: string; readonly key: string } } = {},
  ): Promise<ScriptedIssuer> {
    const issuer = new ScriptedIssuer(options.tls);
    issuer.#server.listen(options.port ?? 0, '127.0.0.1');
    await once(issuer.#server, 'listening');
    return issuer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path = '/keys'): string {
    return `${this.#scheme}://127.0.0.1:${this.port}${path}`;
  }

  /** Responds to every request for `/keys` with this from now on. */
  set keys(responder: Responder) {
    this.responses.set('/keys', responder);
  }

  /** Resolves after that many requests in all. */
  async askedTimes(times: number): Promise<void> {
    while (this.asked.length < times) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    if (this.#server.listening) await once(this.#server, 'close');
  }
}
