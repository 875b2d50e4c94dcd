import { shownUrl } from '../keys/key-url.ts';
import { causeOf, type Fetch, FetchError, isUntrusted, unreachable } from './fetch-document.ts';
import { type ForwardProxy, ProxyError, proxyFor } from './proxies.ts';

/**
 * Node's own fetch, or one through the proxy that HTTPS_PROXY or HTTP_PROXY names for the address, unless NO_PROXY
 * excepts it. Throws as fetch does, and FetchError.
 */
export const systemFetch: Fetch = async (url, init) => {
  const proxy = namedProxy(url);
  return proxy === undefined ? fetch(url, init) : fetchThrough(proxy, url, init);
};

function namedProxy(url: URL): ForwardProxy | undefined {
  try {
    return proxyFor(url, process.env);
  } catch (error) {
    if (error instanceof ProxyError) throw new FetchError(`${shownUrl(url)} is not asked: ${error.message}`);
    throw error;
  }
}

/**
 * The agent lives for one fetch and keeps no connection: a tunnel that hangs must not be what the next fetch waits
 * for.
 */
async function fetchThrough(proxy: ForwardProxy, url: URL, init: RequestInit): Promise<Response> {
  // Loaded where it is used: a gateway without a proxy has neither its memory nor its start.
  const { buildConnector, EnvHttpProxyAgent, Pool, fetch: fetchBy } = await import('undici');
  const connect = buildConnector({});
  let direct = false;
  const agent = new EnvHttpProxyAgent({
    httpProxy: proxy.uri,
    httpsProxy: proxy.uri,
    noProxy: proxy.except,
    ...(proxy.authorization === undefined ? {} : { token: proxy.authorization }),
    // Plain http is asked with the whole address (RFC 9112 §3.2.2): proxies allow CONNECT to port 443 alone.
    proxyTunnel: false,
    factory: (origin, options) => new Pool(origin, { ...options, pipelining: 0 }),
    // Asked only for connections that do not go through the proxy.
    connect: (options, callback) => {
      direct = true;
      connect(options, callback);
    },
  });
  const end = (): void => void agent.destroy();
  init.signal?.addEventListener('abort', end, { once: true });
  try {
    const options = { ...init, dispatcher: agent } as unknown as Parameters<typeof fetchBy>[1];
    return (await fetchBy(url, options)) as unknown as Response;
  } catch (error) {
    end();
    throw direct ? error : throughProxy(proxy, url, error);
  }
}

/** What undici says of an answer of the proxy itself; the status is in the text alone. */
const PROXY_STATUS = /^Proxy (?:response|Authentication Required) \((\d{3})\)/;
/** Calls of the system on the way to the proxy; the way behind it is the proxy's. */
const TO_PROXY: ReadonlySet<unknown> = new Set(['connect', 'getaddrinfo']);

/** The error of a fetch through a proxy, in words that tell the proxy from the server behind it. */
function throughProxy({ shown, variable }: ForwardProxy, url: URL, error: unknown): unknown {
  const name = `the proxy ${shown} of ${variable}`;
  // The reason of the signal.
  if (error instanceof FetchError) return new FetchError(`${error.message}, asked through ${name}`);
  if (!(error instanceof TypeError)) return error;
  const cause = causeOf(error);
  const status = PROXY_STATUS.exec(cause.message ?? '')?.[1];
  const way = `${shownUrl(url)} is asked through ${name}, which`;
  if (status !== undefined) return new FetchError(`${way} answered with status ${status}`);
  if (TO_PROXY.has(cause.syscall)) return new FetchError(`${way} cannot be reached (${cause.reason})`);
  if (isUntrusted(cause.reason) && shown.startsWith('https:')) {
    return unreachable(`${shownUrl(url)}, or ${name},`, cause.reason);
  }
  return unreachable(`${shownUrl(url)}, asked through ${name},`, cause.reason);
}
