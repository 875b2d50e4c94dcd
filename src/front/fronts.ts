import type { TrafficAddress } from '../config/config.ts';
import type { Front, FrontConfig, FrontOptions } from './front.ts';
import { NodeFront } from './node/front.ts';
import { NoBinaryError } from './uws/engine.ts';
import { UwsFront } from './uws/front.ts';

/** Both fronts as one: each address is served by the engine that it names, or by the one that fits. */
export class Fronts implements Front {
  readonly #options: FrontOptions;
  readonly #node: NodeFront;
  readonly #uws: UwsFront;
  /** Whether uWebSockets.js is loaded; undefined before it was tried. */
  #hasUws: boolean | undefined;
  #stopped = false;

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#node = new NodeFront(options);
    this.#uws = new UwsFront(options);
  }

  async open(): Promise<void> {
    await this.#node.open();
    for (const address of this.#options.config.listen) await this.#frontOf(address);
  }

  async listen(address: TrafficAddress, options: { readonly shared: boolean }): Promise<string> {
    const front = await this.#frontOf(address);
    return front.listen(address, options);
  }

  unlisten(address: TrafficAddress): void {
    this.#node.unlisten(address);
    this.#uws.unlisten(address);
  }

  async takeWaiting(): Promise<void> {
    await Promise.all([this.#node.takeWaiting(), this.#uws.takeWaiting()]);
  }

  stopListening(): void {
    this.#stopped = true;
    this.#node.stopListening();
    this.#uws.stopListening();
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  follow(config: FrontConfig): void {
    this.#node.follow(config);
    this.#uws.follow(config);
  }

  setTicketKeys(keys: Uint8Array): void {
    this.#node.setTicketKeys(keys);
  }

  drain(): void {
    this.#node.drain();
    this.#uws.drain();
  }

  close(): void {
    this.#stopped = true;
    this.#node.close();
    this.#uws.close();
  }

  /** @throws StartError when the engine that the address names is not available. */
  async #frontOf({ engine, proxyProtocol, protocols, tls }: TrafficAddress): Promise<Front> {
    const needsNode = tls !== undefined || proxyProtocol !== undefined || protocols?.includes('h2c') === true;
    if (engine === 'node' || needsNode) return this.#node;
    if (this.#hasUws === undefined) await this.#loadUws(engine === 'uws');
    if (this.#hasUws === true) return this.#uws;
    if (engine === 'uws') await this.#loadUws(true);
    return this.#node;
  }

  async #loadUws(isNamed: boolean): Promise<void> {
    try {
      await this.#uws.open();
      this.#hasUws = true;
    } catch (error) {
      // A binary that is there and differs, or that the configuration names, is no reason to do without.
      const isAbsent = error instanceof NoBinaryError && this.#options.config.uws === undefined;
      if (isNamed || !isAbsent) throw error;
      this.#hasUws = false;
      this.#options.events.onNotice(
        `Node.js's own sockets serve instead of uWebSockets.js: ${error.message}`,
      );
    }
  }
}
