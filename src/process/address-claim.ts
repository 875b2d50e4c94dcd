import { lookup } from 'node:dns/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { ListenAddress, TrafficAddress } from '../config/config.ts';
import { listenSentence } from '../front/bind-fault.ts';
import { whyNode } from '../front/engine-of.ts';
import { claimSocketPath } from '../front/socket-file.ts';
import { addressText } from '../http/host-port.ts';
import { nodeVersion, sharesPorts } from '../lib/node-version.ts';
import { StartError } from '../lib/start-error.ts';

export interface AddressClaimOptions {
  /** Others may listen on the same addresses. */
  readonly share: boolean;
}

/**
 * Makes sure that no other process listens on these addresses, before several workers share them. A shared port is open
 * to every process of the same user, so two gateways started by accident would each get a part of the traffic. The
 * system refuses a socket that shares nothing where any other socket listens, shared or not. This socket closes again
 * before the promise resolves; a process that listens after that goes unnoticed.
 * @returns the same addresses. Where port 0 was asked for, they have the port that the system chose, so that all workers
 *   can listen on it. Unix sockets stay as they are.
 * @throws StartError with the address and the remedy.
 */
export async function claimAddresses(
  addresses: readonly TrafficAddress[],
  options: AddressClaimOptions,
): Promise<readonly TrafficAddress[]> {
  assertShareable(addresses);
  const held: Server[] = [];
  try {
    for (const address of addresses) {
      if ('path' in address) {
        if (!options.share) await claimSocketPath(address.path);
      } else if (address.port !== 0) await tryPort(address, options);
    }
    const taken = new Set(addresses.map((address) => ('path' in address ? 0 : address.port)));
    const claimed: TrafficAddress[] = [];
    for (const address of addresses) {
      const chosen = !('path' in address) && address.port === 0;
      claimed.push(chosen ? { ...address, port: await choosePort(address, taken, held) } : address);
    }
    return claimed;
  } finally {
    await Promise.all(held.map(close));
  }
}

/**
 * Refuses ports that workers must share by Node.js's own sockets, where this Node.js cannot. Even a single worker shares
 * its port with the one that replaces it.
 * @param version of Node.js.
 * @throws StartError
 */
export function assertShareable(addresses: readonly TrafficAddress[], version: string = nodeVersion): void {
  if (sharesPorts(version)) return;
  for (const address of addresses) {
    if ('path' in address || !(address.engine === 'node' || whyNode(address) !== undefined)) continue;
    const remedy = whyNode(address) === undefined ? ', or engine: uws' : '';
    throw new StartError(
      `cannot listen on ${addressText(address)}: processes share a port by engine node from Node.js 22.12 on, and this is ${version}; use such a version${remedy}`,
    );
  }
}

/** Closes its socket at once: `0.0.0.0` and `::` may have the same port when both are shared. */
async function tryPort(address: ListenAddress, { share }: AddressClaimOptions): Promise<void> {
  try {
    await close(await listen(address));
  } catch (error) {
    if (!(share && codeOf(error) === 'EADDRINUSE')) throw startError(address, error);
  }
}

/** Holds each port that the system chooses, so that it chooses none twice and none that the configuration names. */
async function choosePort(
  address: ListenAddress,
  taken: ReadonlySet<number>,
  held: Server[],
): Promise<number> {
  for (;;) {
    const server = await listen(address).catch((error: unknown) => {
      throw startError(address, error);
    });
    held.push(server);
    const { port } = server.address() as AddressInfo;
    if (!taken.has(port)) return port;
  }
}

/** Binds the address that the front would: for a name, an IPv6 address first, if this machine has IPv6. */
async function listen({ host, port }: ListenAddress): Promise<Server> {
  const found = await lookup(host, { all: true });
  found.sort((a, b) => b.family - a.family);
  for (;;) {
    const ip = found.shift()?.address ?? host;
    try {
      return await listenOn(ip, port);
    } catch (error) {
      if (codeOf(error) !== 'EAFNOSUPPORT' || found.length === 0) throw error;
    }
  }
}

function listenOn(host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    // A client that connects in this moment is not kept waiting.
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function startError(address: ListenAddress, error: unknown): StartError {
  return new StartError(`cannot listen on ${addressText(address)}: ${listenSentence(codeOf(error))}`, {
    cause: error,
  });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
