import { datesObstacle } from '../../keys/certificate-dates.ts';
import { systemClock } from '../../lib/clock.ts';
import type { KeyPath } from '../fault.ts';
import { parseHost } from '../schema/address.ts';
import type { FileUpstream } from '../schema/upstream.ts';
import { pemSource, readAuthoritiesOf } from '../source/pem-source.ts';
import { readSystemRoots } from '../source/system-roots.ts';
import type { UpstreamServer, UpstreamTlsConfig } from '../upstream-config.ts';
import type { Findings } from './findings.ts';
import { guardPem, pemName, readPair } from './pem-file.ts';

type FileServerTls = NonNullable<FileUpstream['tls']>;

/** Resolves the TLS of upstreams. Upstreams without the key `tls` share one result, and so one copy of the roots. */
export class UpstreamTlsResolver {
  readonly #folder: string;
  readonly #findings: Findings;
  #roots: { readonly ca: UpstreamTlsConfig['ca'] } | undefined;
  #default: UpstreamTlsConfig | undefined;

  /** @param folder absolute; relative paths start there. */
  constructor(folder: string, findings: Findings) {
    this.#folder = folder;
    this.#findings = findings;
  }

  /** The TLS of an upstream with https servers and no key `tls`. */
  get default(): UpstreamTlsConfig {
    this.#default ??= { ca: this.#systemRoots, serverName: undefined, client: undefined, verify: true };
    return this.#default;
  }

  /** Undefined where no server has https. Faults go to the findings. */
  resolve(
    tls: FileServerTls | undefined,
    servers: readonly UpstreamServer[],
    path: KeyPath,
  ): UpstreamTlsConfig | undefined {
    const isUsed = servers.some(({ scheme }) => scheme === 'https');
    if (tls === undefined) return isUsed ? this.default : undefined;
    if (!isUsed) {
      this.#findings.fault(
        path,
        'has no use, because no server of the upstream has https://; must be left out, or a server have it',
        'key',
      );
    }
    const verify = tls.verify === 'required';
    if (!verify) this.#warnOfVerify(tls, path);
    const client = this.#client(tls, path);
    return {
      ca: verify ? this.#authorities(tls, path) : undefined,
      serverName: this.#serverName(tls, path),
      client,
      verify,
    };
  }

  get #systemRoots(): UpstreamTlsConfig['ca'] {
    this.#roots ??= { ca: readSystemRoots() };
    return this.#roots.ca;
  }

  #warnOfVerify({ ca }: FileServerTls, path: KeyPath): void {
    this.#findings.warn(
      [...path, 'verify'],
      'is none, so the gateway takes any certificate of a server, and anyone between them can read tokens and change responses; ca with the authority of the servers is meant',
    );
    if (ca === undefined) return;
    this.#findings.fault(
      [...path, 'ca'],
      'has no use with verify: none; must be left out, or verify be required',
    );
  }

  #authorities({ ca }: FileServerTls, path: KeyPath): UpstreamTlsConfig['ca'] {
    const at = [...path, 'ca'];
    if (ca === undefined) return this.#findings.wasWrong(at) ? undefined : this.#systemRoots;
    const source = pemSource(ca, this.#folder);
    const name = pemName(ca, source, at, this.#findings);
    const pem = guardPem(at, name, this.#findings, () => readAuthoritiesOf(source));
    if (pem === undefined) return undefined;
    const obstacle = datesObstacle(pem, systemClock.wall());
    if (obstacle !== undefined) {
      this.#findings.warn(
        at,
        `${name} ${obstacle}, so certificates that it signed are refused; a valid one is meant`,
      );
    }
    return { pem };
  }

  #serverName({ serverName }: FileServerTls, path: KeyPath): string | undefined {
    if (serverName === undefined) return undefined;
    const host = parseHost(serverName);
    if (host === undefined) {
      this.#findings.fault(
        [...path, 'serverName'],
        'is not a host; must be a name such as app.internal or an IP address, without scheme and port',
      );
    }
    return host;
  }

  #client(tls: FileServerTls, path: KeyPath): UpstreamTlsConfig['client'] {
    const findings = this.#findings;
    const { cert, key, passphrase } = tls;
    if (cert === undefined) {
      for (const other of ['key', 'passphrase'] as const) {
        if (tls[other] === undefined || findings.wasWrong([...path, 'cert'])) continue;
        findings.fault([...path, other], 'has no use without cert; must stand beside it, or be left out');
      }
      return undefined;
    }
    if (findings.wasWrong([...path, 'key']) || findings.wasWrong([...path, 'passphrase'])) return undefined;
    const paths = { cert: [...path, 'cert'], key: [...path, 'key'] };
    const pair = readPair({ cert, key, passphrase }, paths, this.#folder, findings);
    if (pair === undefined) return undefined;
    const { read, name } = pair;
    const obstacle = datesObstacle(read.cert, systemClock.wall());
    if (obstacle !== undefined) {
      findings.warn(
        paths.cert,
        `${name} ${obstacle}, so servers that ask for it refuse it; a valid one is meant`,
      );
    }
    return { cert: read.cert, key: read.key };
  }
}
