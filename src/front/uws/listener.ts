import type { TrafficAddress } from '../../config/config.ts';
import { addressText, hostPort } from '../../http/host-port.ts';
import type { RequestHead } from '../../http/message.ts';
import { StartError } from '../../lib/start-error.ts';
import type { ConnectionLimit } from '../../limits/connection-limit.ts';
import { whyNotBound } from '../bind-fault.ts';
import { bindError, SocketFile } from '../socket-file.ts';
import { Downstream } from './downstream.ts';
import type { Engine, EngineApp, EngineResponse } from './engine.ts';
import { HeadReader } from './head-reader.ts';
import { type PeerNames, Peers, unixPeers } from './peers.ts';

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

/**
 * Options of a TCP socket that shares its address (SO_REUSEPORT): none, since the engine shares unless told otherwise.
 */
const SHARED = 0;

/** The front: accepts connections on one or more addresses and hands every request to `serve`. */
export class Listener {
  private readonly options: ListenerOptions;
  private readonly reader: HeadReader;
  private readonly app: EngineApp;
  /** Unix sockets are apart: an address that the engine does not give may also be that of a TCP peer which has left. */
  private unixApp: EngineApp | undefined;
  /** What ends listening, by address as it was asked for. */
  private endings = new Map<string, () => void>();
  private stopped = false;

  constructor(options: ListenerOptions) {
    this.options = options;
    this.reader = new HeadReader(options.requestHeadBytes);
    const peers = new Peers();
    this.app = this.newApp(peers, (change, response) => peers.onConnection(change, response));
  }

  /**
   * @param address `port` 0 lets the system choose.
   * @param options `shared`: other processes of this gateway listen on the same TCP address, or hand over the unix
   *   socket; the caller has made sure that no other process does. Otherwise the address is taken exclusively: two
   *   gateways that share one by accident would each see a part of the traffic.
   * @returns the bound address as text.
   * @throws StartError when the address cannot be bound.
   */
  async listen(address: TrafficAddress, options: { readonly shared: boolean }): Promise<string> {
    const { shared } = options;
    return 'path' in address
      ? await this.listenUnix(address.path, shared)
      : await this.listenTcp(address.host, address.port, shared);
  }

  /** New connections to this address are refused from now on; existing ones go on. */
  unlisten(address: TrafficAddress): void {
    const name = addressText(address);
    const end = this.endings.get(name);
    // Closing a token twice ends the process.
    if (end !== undefined && this.endings.delete(name)) end();
  }

  /** New connections are refused from now on, for good; existing ones go on. */
  stopListening(): void {
    this.stopped = true;
    const { endings } = this;
    this.endings = new Map();
    for (const end of endings.values()) end();
  }

  /** See `stopListening`. */
  get isStopped(): boolean {
    return this.stopped;
  }

  /** Cuts every connection. */
  close(): void {
    this.stopListening();
    this.app.close();
    this.unixApp?.close();
  }

  private newApp(peers: PeerNames, onPeer: (change: number, response: EngineResponse) => void): EngineApp {
    const { engine, connections, serve, onError } = this.options;
    const app = engine.App();
    const onConnection = (response: EngineResponse, change: number): void => {
      onPeer(change, response);
      // The engine has set the connection up before it asks, and tells of its end from inside `close`.
      if (!connections.admit(change)) response.close();
    };
    app.filter(onConnection);
    return app.any('/*', (response, request) => {
      // An abort handler must exist before anything can throw: without one the engine ends the process.
      const downstream = new Downstream(response, peers);
      try {
        const head = this.reader.read(request);
        downstream.closesItself = this.reader.engineCloses;
        serve(head, downstream);
      } catch (error) {
        downstream.abort();
        onError(error);
      }
      downstream.handled();
    });
  }

  private listenTcp(host: string, port: number, shared: boolean): Promise<string> {
    const { engine } = this.options;
    return new Promise((resolve, reject) => {
      this.app.listen(host, port, shared ? SHARED : engine.LIBUS_LISTEN_EXCLUSIVE_PORT, (token) => {
        if (token === false || token === undefined) {
          void whyNotBound(host, port).then((why) =>
            reject(new StartError(`cannot listen on ${hostPort(host, port)}: ${why}`)),
          );
          return;
        }
        this.endings.set(hostPort(host, port), () => engine.us_listen_socket_close(token));
        resolve(hostPort(host, engine.us_socket_local_port(token)));
      });
    });
  }

  private async listenUnix(path: string, shared: boolean): Promise<string> {
    const { engine } = this.options;
    const name = addressText({ path });
    const file = await SocketFile.prepare(path, shared);
    if (this.stopped) throw new StartError(`cannot listen on ${name}: the gateway is shutting down`);
    this.unixApp ??= this.newApp(unixPeers, () => {});
    let token: unknown = false;
    // The engine calls back before it returns.
    this.unixApp.listen_unix((bound) => {
      token = bound;
    }, file.boundPath);
    if (token === false || token === undefined) throw bindError(path);
    try {
      file.place();
    } catch (error) {
      engine.us_listen_socket_close(token);
      throw error;
    }
    this.endings.set(name, () => {
      file.remove();
      engine.us_listen_socket_close(token);
    });
    return name;
  }
}
