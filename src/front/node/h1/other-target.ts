import { isHostAndPort } from '../../../http/host-port.ts';

/** A request target that does not begin with a slash (RFC 9112 §3.2). */
export interface OtherTarget {
  /** `*`: the request is for the server in general. */
  readonly path: string;
  readonly query: string | undefined;
  /** The scheme and host[:port] of the absolute-form; undefined for the asterisk-form. */
  readonly scheme: 'http' | 'https' | undefined;
  readonly authority: string | undefined;
}

const asterisk: OtherTarget = Object.freeze({
  path: '*',
  query: undefined,
  scheme: undefined,
  authority: undefined,
});

const absolute = /^(https?):\/\/([^/?]+)(\/[^?]*)?(?:\?(.*))?$/i;

/**
 * Reads the target of a request in absolute-form or asterisk-form. An absolute URI without a path stands for `/`, and with
 * OPTIONS for the server in general (RFC 9112 §3.2.4).
 * @param text visible ASCII without `#`.
 * @returns undefined when a gateway does not serve this target: another scheme, user information (RFC 9110 §4.2.4), an
 *   authority that is no host[:port], or `*` with another method than OPTIONS.
 */
export function readOtherTarget(method: string, text: string): OtherTarget | undefined {
  if (text === '*') return method === 'OPTIONS' ? asterisk : undefined;
  const [, scheme = '', authority = '', path, query] = absolute.exec(text) ?? [];
  if (!isHostAndPort(authority)) return undefined;
  return {
    path: path ?? (method === 'OPTIONS' && query === undefined ? '*' : '/'),
    query,
    scheme: scheme.toLowerCase() === 'https' ? 'https' : 'http',
    authority,
  };
}
