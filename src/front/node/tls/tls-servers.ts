import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Protocol, TlsConfig, TrafficAddress } from '../../../config/config.ts';
import { addressText } from '../../../http/host-port.ts';
import type { CounterFamily } from '../../../lib/counters.ts';
import type { Staple } from '../../front.ts';
import { Handshakes } from './handshakes.ts';
import { TICKET_KEY_BYTES, TlsServer, type TlsServerOptions } from './tls-server.ts';

/** Protocols that an address with TLS offers unless it says others, by their names in ALPN. */
const PROTOCOLS: readonly Protocol[] = ['h2', 'http/1.1'];

/** What decides on the TLS of an address. */
interface Terms {
  readonly tls: TlsConfig;
  readonly protocols: readonly Protocol[];
}

/** The TLS of every address of a front. */
export class TlsServers {
  readonly #handshakes: Handshakes;
  readonly #events: Pick<TlsServerOptions, 'onLost' | 'onFault'>;
  /** By address as it was asked for. */
  readonly #servers = new Map<string, { readonly terms: Terms; readonly server: TlsServer }>();
  readonly #staples = new Map<string, Staple>();
  #ticketKeys: Buffer = randomBytes(TICKET_KEY_BYTES);

  constructor(counts: CounterFamily, events: Pick<TlsServerOptions, 'onLost' | 'onFault'>) {
    this.#handshakes = new Handshakes(counts);
    this.#events = events;
  }

  /** The TLS of an address; undefined: it is plain text. */
  of(address: string): TlsServer | undefined {
    return this.#servers.get(address)?.server;
  }

  /**
   * Puts the TLS of an address in force for the connections that follow; those that are open keep theirs. Throws when
   * OpenSSL refuses a certificate, and leaves the address as it was.
   */
  open(address: TrafficAddress): void {
    const name = addressText(address);
    const { tls, protocols = PROTOCOLS } = address;
    if (tls === undefined) {
      this.forget(name);
      return;
    }
    const terms = { tls, protocols };
    if (!isDeepStrictEqual(this.#servers.get(name)?.terms, terms)) {
      this.#servers.set(name, { terms, server: this.#create(name, terms) });
    }
  }

  /** The address is not listened on any more. */
  forget(address: string): void {
    this.#servers.delete(address);
  }

  /** The same for all addresses. An address that fails stays as it was, and the fault is reported. */
  follow(addresses: readonly TrafficAddress[]): void {
    for (const address of addresses) {
      try {
        this.open(address);
      } catch (error) {
        this.#events.onFault(error);
      }
    }
  }

  setTicketKeys(keys: Uint8Array): void {
    this.#ticketKeys = Buffer.from(keys);
    for (const { server } of this.#servers.values()) server.setTicketKeys(this.#ticketKeys);
  }

  /** See `Front.setStaple`. */
  setStaple(certificate: string, staple: Staple | undefined): void {
    if (staple === undefined) this.#staples.delete(certificate);
    else this.#staples.set(certificate, staple);
  }

  /** See `Handshakes.review`. */
  review(now: number): void {
    this.#handshakes.review(now);
  }

  /** Cuts every handshake. */
  close(): void {
    this.#handshakes.close();
  }

  #create(address: string, { tls, protocols }: Terms): TlsServer {
    return new TlsServer({
      address,
      tls,
      protocols,
      ticketKeys: this.#ticketKeys,
      staples: this.#staples,
      handshakes: this.#handshakes,
      ...this.#events,
    });
  }
}
