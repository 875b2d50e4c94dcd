import type { TrafficAddress } from '../../config/config.ts';
import { addressText, hostPort } from '../../http/host-port.ts';
import { StartError } from '../../lib/start-error.ts';
import type { Front, FrontConfig, FrontOptions } from '../front.ts';
import { bindError, SocketFile } from '../socket-file.ts';
import { type Engine, type EngineApp, type EngineResponse, loadEngine } from './engine.ts';
import { HeadReader } from './head-reader.ts';
import { whyNotBound } from './missing-errno.ts';
import { type PeerNames, Peers, unixPeers } from './peers.ts';
import { type StreamTerms, UwsStream } from './stream.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Options of a TCP socket that shares its address. The engine sets SO_REUSEPORT by default. */
const SHARED = 0;

/** The front on uWebSockets.js: plain-text HTTP/1.1 on TCP addresses and unix sockets. */
export class UwsFront implements Front {
  readonly #options: FrontOptions;
  readonly #load: typeof loadEngine;
  readonly #reader: HeadReader;
  /** Shared with all streams, which read the current values. */
  readonly #terms: Mutable<StreamTerms>;
  #engine: Engine | undefined;
  /**
   * By the kind of address: the engine does not say at which address a request arrived. It gives no address for peers of
   * unix sockets, and none for TCP peers that have left.
   */
  readonly #apps = new Map<string, EngineApp>();
  /** Functions that stop listening, by the address that `listen` got. */
  #endings = new Map<string, () => void>();
  #stopped = false;

  /** @param load loads the engine; tests pass their own. */
  constructor(options: FrontOptions, load: typeof loadEngine = loadEngine) {
    this.#options = options;
    this.#load = load;
    this.#reader = new HeadReader(options.config.limits.requestHead);
    this.#terms = {
      requestsPerConnection: options.config.limits.requestsPerConnection,
      draining: false,
    };
  }

  async open(): Promise<void> {
    const { limits, uws } = this.#options.config;
    this.#engine = this.#load(limits.requestHead, uws);
  }

  async listen(address: TrafficAddress, options: { readonly shared: boolean }): Promise<string> {
    const { shared } = options;
    const app = this.#appFor(address);
    return 'path' in address
      ? await this.#listenUnix(app, address.path, shared)
      : await this.#listenTcp(app, address.host, address.port, shared);
  }

  unlisten(address: TrafficAddress): void {
    const name = addressText(address);
    const end = this.#endings.get(name);
    // Closing a token twice ends the process.
    if (end !== undefined && this.#endings.delete(name)) end();
  }

  async takeWaiting(): Promise<void> {
    // The poll of each turn accepts all connections that wait.
    await new Promise((done) => setImmediate(done));
  }

  stopListening(): void {
    this.#stopped = true;
    const endings = this.#endings;
    this.#endings = new Map();
    for (const end of endings.values()) end();
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  follow({ limits }: FrontConfig): void {
    this.#terms.requestsPerConnection = limits.requestsPerConnection;
  }

  drain(): void {
    this.#terms.draining = true;
  }

  close(): void {
    this.stopListening();
    for (const app of this.#apps.values()) app.close();
  }

  #appFor(address: TrafficAddress): EngineApp {
    const redirects = address.redirect !== undefined;
    const kind = `${'path' in address ? 'unix' : 'tcp'} ${redirects}`;
    let app = this.#apps.get(kind);
    if (app === undefined) {
      app = 'path' in address ? this.#newApp(redirects, unixPeers, () => {}) : this.#newTcpApp(redirects);
      this.#apps.set(kind, app);
    }
    return app;
  }

  #newApp(
    redirects: boolean,
    peers: PeerNames,
    onPeer: (change: number, response: EngineResponse) => void,
  ): EngineApp {
    const { connections, events } = this.#options;
    const app = this.#loaded().App();
    const onConnection = (response: EngineResponse, change: number): void => {
      onPeer(change, response);
      // The engine has set the connection up before this call, and `close` calls this handler again with -1.
      if (!connections.admit(change)) response.close();
    };
    app.filter(onConnection);
    return app.any('/*', (response, request) => {
      // An abort handler must exist before anything can throw: without one the engine ends the process.
      const stream = new UwsStream(response, peers, this.#terms, redirects);
      try {
        stream.head = this.#reader.read(request);
        stream.closesItself = this.#reader.engineCloses;
        events.onRequest(stream);
      } catch (error) {
        stream.abort();
        events.onFault(error);
      }
      stream.handled();
    });
  }

  #listenTcp(app: EngineApp, host: string, port: number, shared: boolean): Promise<string> {
    const engine = this.#loaded();
    return new Promise((resolve, reject) => {
      app.listen(host, port, shared ? SHARED : engine.LIBUS_LISTEN_EXCLUSIVE_PORT, (token) => {
        if (token === false || token === undefined) {
          void whyNotBound(host, port).then((why) =>
            reject(new StartError(`cannot listen on ${hostPort(host, port)}: ${why}`)),
          );
          return;
        }
        this.#endings.set(hostPort(host, port), () => engine.us_listen_socket_close(token));
        resolve(hostPort(host, engine.us_socket_local_port(token)));
      });
    });
  }

  async #listenUnix(app: EngineApp, path: string, shared: boolean): Promise<string> {
    const engine = this.#loaded();
    const name = addressText({ path });
    const file = await SocketFile.prepare(path, shared);
    if (this.#stopped) throw new StartError(`cannot listen on ${name}: the gateway is shutting down`);
    let token: unknown = false;
    // The engine calls back before it returns.
    app.listen_unix((bound) => {
      token = bound;
    }, file.boundPath);
    if (token === false || token === undefined) throw bindError(path);
    try {
      file.place();
    } catch (error) {
      engine.us_listen_socket_close(token);
      throw error;
    }
    this.#endings.set(name, () => {
      file.remove();
      engine.us_listen_socket_close(token);
    });
    return name;
  }

  #newTcpApp(redirects: boolean): EngineApp {
    const peers = new Peers();
    return this.#newApp(redirects, peers, (change, response) => peers.onConnection(change, response));
  }

  #loaded(): Engine {
    if (this.#engine === undefined) throw new Error('a front listens before it is open');
    return this.#engine;
  }
}
