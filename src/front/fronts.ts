import type { TrafficAddress } from '../config/config.ts';
import { type EngineChoice, engineOf, whyNode } from './engine-of.ts';
import type { Front, FrontConfig, FrontOptions, Staple } from './front.ts';
import { NodeFront } from './node/front.ts';
import { whyAbsent } from './uws/engine.ts';
import { UwsFront } from './uws/front.ts';

/** Both fronts as one: `engineOf` says which of them serves an address. */
export class Fronts implements Front {
  readonly #options: FrontOptions;
  readonly #node: NodeFront;
  readonly #uws: UwsFront;
  /** Whether uWebSockets.js was tried, and why it does not run here. */
  #tried = false;
  #whyNoUws: string | undefined;
  #stopped = false;

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#node = new NodeFront(options);
    this.#uws = new UwsFront(options);
  }

  async open(): Promise<void> {
    await this.#node.open();
    for (const address of this.#options.config.listen) await this.#choose(address);
  }

  async listen(address: TrafficAddress, options: { readonly shared: boolean }): Promise<string> {
    const { engine } = await this.#choose(address);
    const front = engine === 'uws' ? this.#uws : this.#node;
    return front.listen(address, options);
  }

  engineOf(address: TrafficAddress): EngineChoice {
    return engineOf(address, this.#whyNoUws);
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

  setStaple(certificate: string, staple: Staple | undefined): void {
    this.#node.setStaple(certificate, staple);
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
  async #choose(address: TrafficAddress): Promise<EngineChoice> {
    const { engine } = address;
    if (whyNode(address) === undefined && engine !== 'node') {
      if (!this.#tried) await this.#tryUws(engine === 'uws');
      if (engine === 'uws' && this.#whyNoUws !== undefined) await this.#uws.open();
    }
    return this.engineOf(address);
  }

  async #tryUws(isNamed: boolean): Promise<void> {
    try {
      await this.#uws.open();
    } catch (error) {
      const why = whyAbsent(error, this.#options.config.uws);
      if (isNamed || why === undefined) throw error;
      this.#whyNoUws = why;
    }
    this.#tried = true;
  }
}
