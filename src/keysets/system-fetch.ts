import { shownUrl } from '../keys/key-url.ts';
import { causeOf, type Fetch, FetchError, isUntrusted, unreachable } from './fetch-document.ts';
import { type ForwardProxy, ProxyError, proxyFor } from './proxies.ts';

/**
 * Node's own fetch, or a fetch through the proxy that HTTPS_PROXY or HTTP_PROXY names, unless NO_PROXY excepts the
 * address. Throws as fetch does, and FetchError.
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
 * Fetches through a proxy. The agent lives for one fetch and keeps no connection, so no fetch waits for the tunnel of an
 * earlier one that hangs.
 */
async function fetchThrough(proxy: ForwardProxy, url: URL, init: RequestInit): Promise<Response> {
  // Loaded here, because a gateway without a proxy should not pay for the module's memory and start.
  const { buildConnector, EnvHttpProxyAgent, Pool, fetch: fetchBy } = await import('undici');
  const connect = buildConnector({});
  let direct = false;
  const agent = new EnvHttpProxyAgent({
    httpProxy: proxy.uri,
    httpsProxy: proxy.uri,
    noProxy: proxy.except,
    ...(proxy.authorization === undefined ? {} : { token: proxy.authorization }),
    // Plain http uses the absolute form (RFC 9112 §3.2.2), because proxies allow CONNECT only to port 443.
    proxyTunnel: false,
    factory: (origin, options) => new Pool(origin, { ...options, pipelining: 0 }),
    // The agent calls this only for connections that do not go through the proxy.
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

/** undici's message for a response of the proxy itself; only the text has the status. */
const PROXY_STATUS = /^Proxy (?:response|Authentication Required) \((\d{3})\)/;
/** System calls on the way to the proxy. Behind it, the proxy makes the calls. */
const TO_PROXY: ReadonlySet<unknown> = new Set(['connect', 'getaddrinfo']);

/** The error of a fetch through a proxy, with a message that distinguishes the proxy from the server behind it. */
function throughProxy({ shown, variable }: ForwardProxy, url: URL, error: unknown): unknown {
  const name = `the proxy ${shown} of ${variable}`;
  // The reason of the signal is a FetchError.
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
