import { lookup } from 'node:dns/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { ListenAddress, TrafficAddress } from '../config/config.ts';
import { listenSentence } from '../front/bind-fault.ts';
import { claimSocketPath } from '../front/socket-file.ts';
import { addressText } from '../http/host-port.ts';
import { StartError } from '../lib/start-error.ts';

export interface AddressClaimOptions {
  /** Others may listen on the same addresses. */
  readonly share: boolean;
}

/**
 * Makes sure that no other process listens on these addresses, before several processes listen there together: those
 * leave the door open for every other process of the same user, so that two gateways started by accident would each get
 * a part of the traffic. A socket that shares nothing is refused where any other socket listens, shared or not. It is
 * closed again before this resolves; a process that listens after that is not noticed.
 * @returns the same addresses with the port that the system chose where 0 was asked for, so that all can listen on it.
 *   Unix sockets as they are.
 * @throws StartError with the address and the remedy.
 */
export async function claimAddresses(
  addresses: readonly TrafficAddress[],
  options: AddressClaimOptions,
): Promise<readonly TrafficAddress[]> {
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

/** Closes each before the next is tried: `0.0.0.0` and `::` may have the same port when both are shared. */
async function tryPort(address: ListenAddress, { share }: AddressClaimOptions): Promise<void> {
  try {
    await close(await listen(address));
  } catch (error) {
    if (!(share && codeOf(error) === 'EADDRINUSE')) throw startError(address, error);
  }
}

/** Holds what the system chose, so that it does not choose it twice, nor what the configuration names elsewhere. */
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

/** Binds what the front engine would: of a name, an IPv6 address first, if this machine has IPv6 at all. */
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
    // No client is served here: one that connects in this moment is told at once.
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
