import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { jwk, keySet, ScriptedIssuer, status } from '../keysets/scripted-issuer.ts';
import type { TestKey } from '../support/tokens.ts';
import { History } from './history.ts';

/** One key and whether the gateway accepts it. */
export interface NamedKey {
  readonly kid: string;
  readonly key: TestKey;
  readonly inForce: History<boolean>;
}

/** An issuer: its key set over HTTP, and the rotation of its keys. */
export class SoakIssuer {
  readonly #server: ScriptedIssuer;
  /** The entries of the key set. */
  #published: NamedKey[];
  #signing: NamedKey;
  #made = 1;

  private constructor(server: ScriptedIssuer, first: NamedKey) {
    this.#server = server;
    this.#signing = first;
    this.#published = [first];
    this.#publish();
  }

  static async start(): Promise<SoakIssuer> {
    return new SoakIssuer(await ScriptedIssuer.start(), await newKey(1));
  }

  get jwks(): string {
    return this.#server.url();
  }

  /** Signs now. */
  get signing(): NamedKey {
    return this.#signing;
  }

  /** Kids of the key set. */
  get kids(): readonly string[] {
    return this.#published.map(({ kid }) => kid);
  }

  /** Puts a new key into the set, which signs nothing yet. */
  async announce(): Promise<void> {
    this.#made += 1;
    this.#published = [...this.#published, await newKey(this.#made)];
    this.#publish();
  }

  /** Signs with the newest key from now on. */
  adopt(): void {
    this.#signing = this.#published.at(-1) as NamedKey;
  }

  /** Removes every key from the set but the signing one; call the result when the gateway knows. */
  retire(): () => void {
    const leaving = this.#published.filter((key) => key !== this.#signing);
    this.#published = [this.#signing];
    this.#publish();
    for (const { inForce } of leaving) inForce.begin(false);
    return () => {
      for (const { inForce } of leaving) inForce.settle();
    };
  }

  /** Responds with 500 until it is back. */
  fail(): void {
    this.#server.keys = status(500);
  }

  comeBack(): void {
    this.#publish();
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  #publish(): void {
    this.#server.keys = keySet(
      ...this.#published.map(({ kid, key }) => jwk(key, { kid, use: 'sig', alg: 'RS256' })),
    );
  }
}

/** Beside the event loop, on which all clients live. */
async function newKey(number: number): Promise<NamedKey> {
  const pair = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return { kid: `key${number}`, key: { ...pair, pem }, inForce: new History(true) };
}
