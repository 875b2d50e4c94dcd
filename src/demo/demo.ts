import { createServer } from 'node:http';
import type { Config } from '../config/config.ts';
import { formatFault } from '../config/fault.ts';
import { configFromObject } from '../config/load.ts';
import { createGateway } from '../gateway/local-gateway.ts';
import type { Log } from '../lib/log.ts';
import { StartError } from '../lib/start-error.ts';
import { type DemoIdentity, demoIdentity } from './identity.ts';
import { startIssuer } from './issuer.ts';
import { startService } from './service.ts';
import { type DemoEngine, demoSettings, printedConfig } from './settings.ts';
import { demoText } from './text.ts';

/** sysexits(3): success; a port is taken. */
const EX_OK = 0;
const EX_UNAVAILABLE = 69;

const defaultPort = 8080;
const defaultIssuerPort = 9011;
const defaultAdminPort = 9090;

/** Milliseconds for requests in flight when the demo ends. The demo's service responds at once. */
const graceMs = 2_000;

export interface DemoOptions {
  /** Ports on 127.0.0.1; 0 lets the system choose, and the chosen one is printed. */
  readonly port?: number;
  readonly issuerPort?: number;
  readonly adminPort?: number;
  /** By default the engine that fits. */
  readonly engine?: DemoEngine;
  readonly log: Log;
  /** Prints the text for the user. */
  readonly write: (text: string) => void;
  /** Prints the sentence that says why the demo could not start. */
  readonly complain: (text: string) => void;
  /** The demo runs until this is aborted. */
  readonly stop: AbortSignal;
}

/** The configuration of the demo with these ports, as YAML. */
export function demoConfigText(
  options: Pick<DemoOptions, 'port' | 'issuerPort' | 'adminPort' | 'engine'>,
): string {
  const {
    port = defaultPort,
    issuerPort = defaultIssuerPort,
    adminPort = defaultAdminPort,
    engine,
  } = options;
  return printedConfig(demoIdentity, { port, issuerPort, adminPort, engine });
}

interface Closable {
  close(): Promise<unknown>;
}

/**
 * Runs issuer, service and gateway on loopback until `stop` is aborted. Resolves with the exit code: 0, or 69 when a port
 * is taken. Rejects on a fault of ours. In each case all started parts are stopped first.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const running: Closable[] = [];
  try {
    const text = await startAll(options, running);
    if (!options.stop.aborted) {
      options.write(text);
      await aborted(options.stop);
    }
    return EX_OK;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    options.complain(error.message);
    return EX_UNAVAILABLE;
  } finally {
    // The gateway started last and stops first, so that the service still serves the requests in flight.
    for (const part of running.reverse()) await part.close();
  }
}

/** Starts each part after the parts that it needs, and adds each to `running`. Resolves with the text to print. */
async function startAll(options: DemoOptions, running: Closable[]): Promise<string> {
  const { port = defaultPort, issuerPort = defaultIssuerPort, adminPort = defaultAdminPort } = options;
  const identity = demoIdentity;
  const onError = (error: unknown): void => options.log.error({ error }, 'the demo issuer failed');
  const issuer = await onPort(issuerPort, '--issuer-port', (at) =>
    startIssuer({ port: at, identity, onError }),
  );
  running.push(issuer);
  const service = await startService(0);
  running.push(service);
  // The gateway's message about a taken address does not name the option that moves it; this one does.
  await onPort(port, '--port', probe);
  await onPort(adminPort, '--admin-port', probe);
  const config = demoConfig(identity, issuer.publicKeyPem, {
    port,
    adminPort,
    service: service.port,
    engine: options.engine,
  });
  const gateway = createGateway(config, { log: options.log });
  running.push({ close: () => gateway.close({ graceMs }) });
  await gateway.start();
  return demoText(identity, {
    gateway: portOf(gateway.addresses.listen[0] ?? ''),
    issuer: issuer.port,
    admin: portOf(gateway.addresses.admin),
    service: service.port,
  });
}

/** The configuration of the demo's gateway, with the key itself instead of its path. */
function demoConfig(
  identity: DemoIdentity,
  pem: string,
  ports: { port: number; adminPort: number; service: number; engine: DemoEngine | undefined },
): Config {
  const loaded = configFromObject(demoSettings(identity, { pem }, ports), '/', {});
  if (!loaded.ok) throw new Error(loaded.faults.map(formatFault).join('\n'));
  return loaded.config;
}

/** Runs `start` for a port. A listen error becomes a sentence that names the option for another port. */
async function onPort<T>(port: number, option: string, start: (port: number) => Promise<T>): Promise<T> {
  try {
    return await start(port);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const remedy = `choose another one with ${option} (0 takes any free one)`;
    if (code === 'EADDRINUSE') {
      throw new StartError(`port ${port} on 127.0.0.1 is taken; ${remedy}`, { cause: error });
    }
    if (code === 'EACCES') {
      throw new StartError(`port ${port} needs a privilege; ${remedy}`, { cause: error });
    }
    throw error;
  }
}

/** Binds the port and frees it again; rejects with the listen error when it is taken. */
function probe(port: number): Promise<void> {
  if (port === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve()));
  });
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
