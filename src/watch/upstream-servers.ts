import { isIP } from 'node:net';
import type {
  HealthConfig,
  ServerAddress,
  UpstreamConfig,
  UpstreamServer,
} from '../config/upstream-config.ts';
import { addressText, hostPort } from '../http/host-port.ts';
import type { CounterFamily } from '../lib/counters.ts';
import type { Log } from '../lib/log.ts';
import type { ServerFact } from '../upstream/server-facts.ts';
import { tlsClientOf } from '../upstream/tls-client.ts';
import type { CheckTarget } from './check.ts';
import { type Mode, Modes } from './modes.ts';
import { type NameSurroundings, NameWatch } from './name-watch.ts';
import { Probe, type ProbeSurroundings } from './probe.ts';
import type { ServerHealth } from './server-health.ts';

/** Addresses of one name: a large service has some dozens. */
const MAX_PER_NAME = 64;
/** Addresses of an upstream: each has connections and probes, and a choice may read them all. */
const MAX_ADDRESSES = 256;

export interface UpstreamSurroundings extends NameSurroundings, ProbeSurroundings {
  readonly log: Log;
  /** Takes all facts whenever one of them has changed. */
  readonly onFacts: (facts: readonly ServerFact[]) => void;
  /** Checks by result; outlives the upstream. */
  readonly results: CounterFamily;
}

/** One address of a configured server. */
interface Endpoint {
  readonly server: UpstreamServer;
  /** The texts of the configured address and of this one. */
  readonly serverText: string;
  readonly text: string;
  readonly address: ServerAddress;
}

/** An address of an upstream, for operators. */
export interface EndpointView {
  readonly server: string;
  readonly address: string;
  readonly weight: number;
  readonly backup: boolean;
  readonly mode: Mode;
  /** Undefined: no check is configured. */
  readonly health: ServerHealth | undefined;
  /** Of the name of its server; undefined for an address that is no name. */
  readonly name: Pick<NameWatch, 'lastError' | 'nextSeconds'> | undefined;
}

/** What the control plane knows of the servers of one upstream: addresses of names, health, and the modes of operators. */
export class UpstreamServers {
  readonly #around: UpstreamSurroundings;
  #config: UpstreamConfig;
  /** By host. */
  readonly #names = new Map<string, NameWatch>();
  /** By configured address. */
  readonly #modes = new Map<string, Modes>();
  /** By address. */
  readonly #probes = new Map<string, Probe>();
  #facts: readonly ServerFact[] = [];
  #closed = false;

  constructor(config: UpstreamConfig, around: UpstreamSurroundings) {
    this.#config = config;
    this.#around = around;
    this.follow(config);
  }

  /** All of them, in the order of the configuration. */
  get facts(): readonly ServerFact[] {
    return this.#facts;
  }

  /** Resolves when each name has been looked up, whatever the result. */
  async named(): Promise<void> {
    await Promise.all(Array.from(this.#names.values(), ({ tried }) => tried));
  }

  /** Takes another configuration. What is known of the servers that stay is kept. */
  follow(config: UpstreamConfig): void {
    this.#config = config;
    const { name: upstream, servers, resolveMs: everyMs = Number.POSITIVE_INFINITY } = config;
    const texts = servers.map(({ address }) => addressText(address));
    for (const text of this.#modes.keys()) if (!texts.includes(text)) this.#modes.delete(text);
    for (const text of texts) if (!this.#modes.has(text)) this.#modes.set(text, new Modes());
    const hosts = new Set(servers.flatMap(({ address }) => hostName(address) ?? []));
    const most = Math.min(MAX_PER_NAME, Math.max(1, Math.floor(MAX_ADDRESSES / servers.length)));
    for (const [host, watch] of this.#names) {
      if (hosts.has(host)) continue;
      watch.close();
      this.#names.delete(host);
    }
    for (const host of hosts) {
      const name = { upstream, host, everyMs, most };
      const watch = this.#names.get(host);
      if (watch !== undefined) watch.follow(name);
      else this.#names.set(host, new NameWatch(name, this.#around, () => this.#review()));
    }
    this.#review();
  }

  /**
   * Sets the mode of an address, or of all addresses of a configured server.
   * @returns the addresses that have it now; empty where there is no such address.
   */
  setMode(text: string, mode: Mode): readonly string[] {
    const chosen = this.#endpoints().filter((one) => one.serverText === text || one.text === text);
    if (chosen.length === 0) return [];
    for (const { serverText } of chosen) {
      const modes = this.#modes.get(serverText);
      if (serverText === text) modes?.setAll(mode);
      else modes?.set(text, mode);
    }
    const fields = { upstream: this.#config.name, server: text, mode };
    this.#around.log.warn(fields, 'an operator has set the mode of an upstream server');
    this.#review();
    return chosen.map((one) => one.text);
  }

  view(): readonly EndpointView[] {
    return this.#endpoints().map((endpoint) => {
      const { serverText, text, server } = endpoint;
      const host = hostName(server.address);
      return {
        server: serverText,
        address: text,
        weight: server.weight,
        backup: server.backup,
        mode: this.#modeOf(endpoint),
        health: this.#probes.get(endpoint.text)?.health,
        name: host === undefined ? undefined : this.#names.get(host),
      };
    });
  }

  close(): void {
    this.#closed = true;
    for (const watch of this.#names.values()) watch.close();
    for (const probe of this.#probes.values()) probe.close();
  }

  #endpoints(): readonly Endpoint[] {
    return this.#config.servers.flatMap((server) => {
      const serverText = addressText(server.address);
      return this.#addressesOf(server.address).map(
        (address): Endpoint => ({ server, serverText, text: addressText(address), address }),
      );
    });
  }

  /** A name stands for itself until it has been looked up. */
  #addressesOf(address: ServerAddress): readonly ServerAddress[] {
    const host = hostName(address);
    const found = host === undefined ? undefined : this.#names.get(host)?.addresses;
    if (found === undefined || 'path' in address) return [address];
    return found.map((one) => ({ host: one, port: address.port }));
  }

  /** Its name is being looked up for the first time. */
  #isAwaited({ address }: Endpoint): boolean {
    const host = hostName(address);
    const watch = host === undefined ? undefined : this.#names.get(host);
    return watch !== undefined && watch.addresses === undefined && watch.lastError === undefined;
  }

  #modeOf({ serverText, text }: Endpoint): Mode {
    return this.#modes.get(serverText)?.of(text) ?? 'ready';
  }

  /** Begins and ends probes as the endpoints have changed, and tells changed facts. */
  #review(): void {
    if (this.#closed) return;
    const endpoints = this.#endpoints();
    this.#probe(endpoints);
    const facts = endpoints.map(
      (endpoint): ServerFact => ({
        server: endpoint.serverText,
        address: endpoint.address,
        mode: this.#modeOf(endpoint),
        healthy: this.#probes.get(endpoint.text)?.health.healthy ?? true,
      }),
    );
    if (JSON.stringify(facts) === JSON.stringify(this.#facts)) return;
    this.#facts = facts;
    this.#around.onFacts(facts);
  }

  /** Where two servers have one address, it is checked for the first one. A server that is down by hand is not checked. */
  #probe(endpoints: readonly Endpoint[]): void {
    const { health } = this.#config;
    const wanted = new Map<string, CheckTarget>();
    if (health !== undefined) {
      for (const one of endpoints) {
        if (wanted.has(one.text) || this.#modeOf(one) === 'down' || this.#isAwaited(one)) continue;
        wanted.set(one.text, targetOf(one, health, this.#config.tls));
      }
    }
    for (const [text, probe] of this.#probes) {
      if (wanted.has(text)) continue;
      probe.close();
      this.#probes.delete(text);
    }
    for (const [text, target] of wanted) {
      const probe = this.#probes.get(text);
      if (probe === undefined) this.#probes.set(text, this.#newProbe(target));
      else probe.aim(target);
    }
  }

  #newProbe(target: CheckTarget): Probe {
    const { log, results } = this.#around;
    return new Probe(target, this.#around, {
      onResult: (result) => {
        results.of(result.ok ? 'ok' : result.cause).value += 1;
      },
      onChange: (last) => {
        const name = { upstream: this.#config.name, server: addressText(target.address) };
        const { result } = last;
        if (result.ok) log.info({ ...name, found: result.detail }, 'an upstream server is healthy again');
        else
          log.warn({ ...name, cause: result.cause, found: result.detail }, 'an upstream server is unhealthy');
        this.#review();
      },
    });
  }
}

function targetOf(
  { address, server }: Endpoint,
  health: HealthConfig,
  tls: UpstreamConfig['tls'],
): CheckTarget {
  const { protocol, scheme } = server;
  const plain = { address, protocol, health, host: hostField(server) };
  if (scheme === 'http') return plain;
  // Each check has its own client, because a resumed session would check no certificate.
  return { ...plain, secure: () => tlsClientOf(server, tls).connect(address, protocol) };
}

/** The host of a server that is named; undefined where it is an address or a socket. */
function hostName(address: ServerAddress): string | undefined {
  return 'path' in address || isIP(address.host) !== 0 ? undefined : address.host;
}

/** The Host field for a server (RFC 9110 §7.2), without the port of its scheme. A socket has no host of its own. */
function hostField({ address, scheme }: UpstreamServer): string {
  if ('path' in address) return 'localhost';
  const { host, port } = address;
  return hostPort(host, port).replace(scheme === 'https' ? /:443$/ : /:80$/, '');
}
