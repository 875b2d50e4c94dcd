import { now } from './messages.ts';
import type { NameServer } from './names.ts';
import type { Server } from './servers.ts';

/** How a gateway reaches its servers. */
export type Network = 'plain' | 'tls' | 'names';

export interface Scene {
  /** The one of the servers that breaks. */
  readonly server: Server;
  readonly names: NameServer | undefined;
}

export interface Fault {
  readonly name: string;
  readonly network: Network;
  /** The server cannot tell which requests were sent to it, so the gateway's counts of failures must. */
  readonly isUnseen?: boolean;
  /** @returns the time since when it is broken. */
  break(scene: Scene): Promise<number>;
  /** @returns the time since when it works again. */
  mend(scene: Scene): Promise<number>;
}

const well = ({ server }: Scene): Promise<number> => server.become('well');

function leave({ server, names }: Scene): Promise<number> {
  if (names === undefined) throw new Error('no name server');
  names.addresses = names.addresses.filter((address) => address !== server.place.host);
  return Promise.resolve(now());
}

function comeBack({ server, names }: Scene): Promise<number> {
  if (names === undefined) throw new Error('no name server');
  names.addresses = [...names.addresses, server.place.host];
  return Promise.resolve(now());
}

/** Each for real, and each with its end. */
export const faults: readonly Fault[] = [
  {
    name: 'killed',
    network: 'plain',
    isUnseen: true,
    break: ({ server }) => server.kill(),
    async mend({ server }) {
      await server.start();
      return now();
    },
  },
  {
    name: 'stopped',
    network: 'plain',
    break: ({ server }) => Promise.resolve(server.pause()),
    mend: ({ server }) => Promise.resolve(server.resume()),
  },
  { name: '503', network: 'plain', break: ({ server }) => server.become('unavailable'), mend: well },
  { name: 'slow', network: 'plain', break: ({ server }) => server.become('slow'), mend: well },
  { name: 'reset', network: 'plain', break: ({ server }) => server.become('reset'), mend: well },
  {
    name: 'certificate',
    network: 'tls',
    isUnseen: true,
    break: ({ server }) => server.become('expired'),
    mend: well,
  },
  { name: 'dns', network: 'names', break: leave, mend: comeBack },
];
