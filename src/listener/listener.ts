import { hostPort } from '../lib/host-port.ts';
import { StartError } from '../lib/start-error.ts';
import type { RequestHead } from '../types.ts';
import type { ConnectionLimit } from './connection-limit.ts';
import { Downstream } from './downstream.ts';
import type { Engine, EngineApp, EngineResponse } from './engine.ts';
import { HeadReader } from './head-reader.ts';
import { Peers } from './peers.ts';

export interface ListenerOptions {
  readonly engine: Engine;
  /** Largest request head, in bytes. */
  readonly requestHeadBytes: number;
  readonly connections: ConnectionLimit;
  /** Called once for each request, synchronously; the answer may come later. */
  readonly serve: (head: RequestHead, downstream: Downstream) => void;
  /** A fault of ours while a request was read or served; the client's connection has been cut. */
  readonly onError: (error: unknown) => void;
}

/** The front: accepts connections on one or more addresses and hands every request to `serve`. */
export class Listener {
  private readonly engine: Engine;
  private readonly app: EngineApp;
  /** By address as it was asked for. */
  private tokens = new Map<string, unknown>();

  constructor(options: ListenerOptions) {
    this.engine = options.engine;
    this.app = options.engine.App();
    const reader = new HeadReader(options.requestHeadBytes);
    const peers = new Peers();
    const onConnection = (response: EngineResponse, change: number): void => {
      peers.onConnection(change, response);
      // The engine has set the connection up before it asks, and tells of its end from inside `close`.
      if (!options.connections.admit(change)) response.close();
    };
    this.app.filter(onConnection);
    this.app.any('/*', (response, request) => {
      // An abort handler must exist before anything can throw: without one the engine ends the process.
      const downstream = new Downstream(response, peers);
      try {
        options.serve(reader.read(request), downstream);
      } catch (error) {
        downstream.abort();
        options.onError(error);
      }
    });
  }

  /**
   * @param host address to bind; `port` 0 lets the system choose.
   * @returns the bound address as `host:port`.
   * @throws StartError when the address is not to be had. The port is taken exclusively: two gateways that share
   *   one by accident would each see a part of the traffic.
   */
  listen(host: string, port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      this.app.listen(host, port, this.engine.LIBUS_LISTEN_EXCLUSIVE_PORT, (token) => {
        if (token === false || token === undefined) {
          reject(
            new StartError(
              `cannot listen on ${hostPort(host, port)}: the port is taken, the address is not of this machine, or the port needs a privilege`,
            ),
          );
          return;
        }
        this.tokens.set(hostPort(host, port), token);
        resolve(hostPort(host, this.engine.us_socket_local_port(token)));
      });
    });
  }

  /** New connections to this address are refused from now on; existing ones go on. */
  unlisten(host: string, port: number): void {
    const address = hostPort(host, port);
    const token = this.tokens.get(address);
    // Closing a token twice ends the process.
    if (this.tokens.delete(address)) this.engine.us_listen_socket_close(token);
  }

  /** New connections are refused from now on; existing ones go on. */
  stopListening(): void {
    const { tokens } = this;
    this.tokens = new Map();
    for (const token of tokens.values()) this.engine.us_listen_socket_close(token);
  }

  /** Cuts every connection. */
  close(): void {
    this.stopListening();
    this.app.close();
  }
}
