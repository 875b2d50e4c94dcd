import type { CertificateConfig, TrafficAddress } from '../config/config.ts';
import type { Staple } from '../front/front.ts';
import { issuerIn } from '../keys/tls-certificate.ts';
import { StapleSource, type StapleSurroundings } from './staple-source.ts';

/** Fetches at once: a responder that hangs must not keep the others waiting, nor a thousand certificates ask together. */
const MAX_FETCHES = 4;

export interface StaplesOptions extends Omit<StapleSurroundings, 'inTurn'> {
  /** Takes each new staple; undefined: its certificate is not served any more. */
  readonly onStaple: (certificate: string, staple: Staple | undefined) => void;
}

/**
 * The OCSP responses that servers send beside their certificates (RFC 6066 §8), by fingerprint. One process fetches them
 * for all workers, so that a responder is asked once, and a worker that starts has them at once.
 */
export class Staples {
  readonly #options: StaplesOptions;
  readonly #lanes = Array.from({ length: MAX_FETCHES }, () => Promise.resolve());
  #lane = 0;
  #sources = new Map<string, StapleSource>();

  constructor(options: StaplesOptions) {
    this.#options = options;
  }

  /** The staples that are there. */
  get current(): ReadonlyMap<string, Staple> {
    const staples = new Map<string, Staple>();
    for (const [certificate, { staple }] of this.#sources) {
      if (staple !== undefined) staples.set(certificate, staple);
    }
    return staples;
  }

  /** Undefined where a certificate has none. */
  of(certificate: string): Pick<StapleSource, 'staple' | 'lastError'> | undefined {
    return this.#sources.get(certificate);
  }

  /** Fetches the staples of the certificates of these addresses, and no others. No fetch is waited for. */
  follow(listen: readonly TrafficAddress[]): void {
    const before = this.#sources;
    this.#sources = new Map();
    for (const { tls } of listen) {
      for (const certificate of tls?.stapling === true ? tls.certificates : []) {
        const { fingerprint } = certificate;
        if (this.#sources.has(fingerprint)) continue;
        const source = before.get(fingerprint) ?? this.#sourceOf(certificate);
        if (source !== undefined) this.#sources.set(fingerprint, source);
      }
    }
    for (const [fingerprint, source] of before) {
      if (this.#sources.has(fingerprint)) continue;
      source.close();
      this.#options.onStaple(fingerprint, undefined);
    }
  }

  close(): void {
    for (const source of this.#sources.values()) source.close();
    this.#sources.clear();
  }

  /** Undefined: the certificate names no responder, or its file does not hold the one that issued it. */
  #sourceOf(certificate: CertificateConfig): StapleSource | undefined {
    const { name, responder, cert, fingerprint } = certificate;
    const issuer = issuerIn(certificate);
    if (responder === undefined || issuer === undefined) return undefined;
    const around = { ...this.#options, inTurn: (work: () => Promise<void>) => this.#inTurn(work) };
    const source = new StapleSource({ name, responder, cert, issuer }, around, (staple) =>
      this.#options.onStaple(fingerprint, staple),
    );
    source.start();
    return source;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const lane = this.#lane;
    this.#lane = (lane + 1) % MAX_FETCHES;
    const done = (this.#lanes[lane] as Promise<void>).then(work);
    this.#lanes[lane] = done;
    return done;
  }
}
