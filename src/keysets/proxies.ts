import { isLoopback } from '../keys/key-url.ts';
import { foreignText } from '../lib/foreign-text.ts';

/** A variable does not name a proxy. The message is one sentence that does not quote its value. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
}

/** A forward proxy from the environment. */
export interface ForwardProxy {
  /** The variable that names the proxy. */
  readonly variable: string;
  /** Its address without user and password, for messages. */
  readonly shown: string;
  /** The same address, for the connection. */
  readonly uri: string;
  /** Value of Proxy-Authorization (RFC 9110 §11.7.2); undefined when the address names no user. */
  readonly authorization: string | undefined;
  /** Value of NO_PROXY; '' when there is none. */
  readonly except: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const WITH_SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//;

/**
 * The proxy for an address: from HTTPS_PROXY for https, from HTTP_PROXY for http. The lower-case name comes first, and an
 * empty value means no proxy. Addresses of this machine use no proxy: plain http is allowed there only because it does
 * not leave the machine.
 * @returns undefined if no variable names a proxy. It does not apply NO_PROXY.
 * @throws ProxyError
 */
export function proxyFor(url: URL, env: Environment): ForwardProxy | undefined {
  if (isLoopback(url)) return undefined;
  const lower = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const variable = env[lower] === undefined ? lower.toUpperCase() : lower;
  const value = env[variable]?.trim() ?? '';
  if (value === '') return undefined;
  return { variable, ...read(value, variable), except: (env['no_proxy'] ?? env['NO_PROXY'] ?? '').trim() };
}

function read(value: string, variable: string): Pick<ForwardProxy, 'shown' | 'uri' | 'authorization'> {
  try {
    const url = new URL(WITH_SCHEME.test(value) ? value : `http://${value}`);
    const { origin, protocol, username, password } = url;
    if (protocol === 'http:' || protocol === 'https:') {
      return { shown: foreignText(origin), uri: origin, authorization: basic(username, password) };
    }
  } catch {
    // The error of URL quotes the value, and with it the password.
  }
  throw new ProxyError(`${variable} names no proxy; must be http://HOST:PORT or https://HOST:PORT`);
}

/** RFC 7617 §2. Throws URIError. */
function basic(username: string, password: string): string | undefined {
  if (username === '' && password === '') return undefined;
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}
