import { Wire } from '../support/wire.ts';
import type { Made } from './differences.ts';
import type { Seen } from './labelled-servers.ts';
import { type Asked, bytesOf } from './requests.ts';

/** The ports of one proxy. */
export interface Ports {
  readonly port: number;
  readonly second: number;
}

/** Sends a request to a proxy. A connection that ends without a response counts as a refusal without a status. */
async function ask(
  ports: Ports,
  asked: Asked,
  tokens: ReadonlyMap<string, string | undefined>,
): Promise<Made> {
  const wire = await Wire.open(asked.second ? ports.second : ports.port);
  try {
    wire.send(bytesOf(asked, tokens));
    const closed = { response: undefined, seen: undefined };
    const response = await wire.response({ toHead: asked.method === 'HEAD' }).catch((error: unknown) => {
      if (wire.closed) return undefined;
      throw error;
    });
    const label = response?.headers.get('x-label');
    if (response === undefined) return closed;
    if (label === undefined) return { response, seen: undefined };
    const headless: Seen = { label, method: asked.method, url: asked.path, headers: [] };
    return { response, seen: asked.method === 'HEAD' ? headless : (JSON.parse(response.body) as Seen) };
  } finally {
    wire.close();
  }
}

/** What both proxies made of a request. */
export interface Both {
  readonly theirs: Made;
  readonly ours: Made;
  /** The gateway takes all spellings of a host for the same one: HAProxy's answer is that to the plain spelling. */
  readonly isRespelled: boolean;
}

/** Sends a request to HAProxy and to the gateway. */
export async function askBoth(
  haproxy: Ports,
  gateway: Ports,
  asked: Asked,
  tokens: ReadonlyMap<string, string | undefined>,
): Promise<Both> {
  const theirs = await ask(haproxy, asked, tokens);
  const ours = await ask(gateway, asked, tokens);
  const host = asked.host.replace(/:\d+$/, '').toLowerCase();
  if (ours.seen?.label === theirs.seen?.label || host === asked.host)
    return { theirs, ours, isRespelled: false };
  const plain = await ask(haproxy, { ...asked, host }, tokens);
  const { seen } = plain;
  return {
    theirs: seen === undefined ? plain : { ...plain, seen: withHost(seen, asked.host) },
    ours,
    isRespelled: true,
  };
}

/** What would have been seen with another spelling of the host. */
function withHost(seen: Seen, host: string): Seen {
  return { ...seen, headers: seen.headers.map(([name, value]) => [name, name === 'host' ? host : value]) };
}
