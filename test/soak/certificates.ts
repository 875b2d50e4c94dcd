import { renameSync, writeFileSync } from 'node:fs';
import { Authority, type Issued } from '../support/authority.ts';
import { History } from './history.ts';

/** The name that clients ask for. */
export const SERVERNAME = 'soak.example';
/** Certificates of one authority, which has numbers of one byte for them. */
const OF_ONE = 100;

/** The file with the certificate of a gateway under soak, which is renewed now and then. */
export class Certificates {
  readonly file: string;
  /** The common name in the certificate in force. */
  readonly inForce: History<string>;
  #authority = new Authority('root');
  #made = 0;
  #current: Issued;

  constructor(file: string) {
    this.file = file;
    this.#current = this.#issue();
    this.inForce = new History(this.#name);
    this.#put(this.#current);
  }

  /** A new certificate, which may be in force from now on; `inForce.settle` when the old one no longer is. */
  renew(): void {
    this.#current = this.#issue();
    this.inForce.begin(this.#name);
    this.#put(this.#current);
  }

  /** A certificate with a key that is not its own, which must not come into force. */
  spoil(): void {
    const { cert } = this.#authority.issue({ cn: 'spoilt', names: [SERVERNAME] });
    this.#put({ ...this.#current, cert });
  }

  /** The pair in force again. */
  restore(): void {
    this.#put(this.#current);
  }

  /** What is wrong with the common name that a client met, which began to connect then (monotonic milliseconds). */
  faultOf(name: string | undefined, since: number): string | undefined {
    const right = this.inForce.between(since, performance.now());
    if (name === undefined || right.includes(name)) return undefined;
    return `the certificate of ${name} in place of ${right.join(' or ')}`;
  }

  get #name(): string {
    return `site${this.#made}`;
  }

  #issue(): Issued {
    this.#made += 1;
    if (this.#made % OF_ONE === 0) this.#authority = new Authority('root');
    return this.#authority.issue({ cn: this.#name, names: [SERVERNAME] });
  }

  /** In one step, so that the gateway never reads half of it. */
  #put({ cert, key }: Issued): void {
    writeFileSync(`${this.file}.new`, cert + key);
    renameSync(`${this.file}.new`, this.file);
  }
}
