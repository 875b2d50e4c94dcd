import type { TokenTraces } from '../auth/verdict.ts';
import { withoutCookies } from '../http/cookies.ts';
import type { RequestHead } from '../http/message.ts';
import { withoutParameters } from '../http/query-parameters.ts';
import { offeredProtocols, PROTOCOL_FIELD, withoutNames } from '../http/websocket/protocols.ts';

/**
 * The head without the token: the fields, cookies, parameters and subprotocols that hold it. The rest stays byte for
 * byte.
 */
export function withoutToken(head: RequestHead, traces: TokenTraces): RequestHead {
  const names: string[] = [];
  const values: string[] = [];
  const holdsProtocols = traces.protocols.length > 0;
  let protocols = holdsProtocols ? withoutNames(offeredProtocols(head), traces.protocols) : [];
  head.names.forEach((name, at) => {
    if (traces.headers.has(name)) return;
    if (holdsProtocols && name === PROTOCOL_FIELD) {
      // A list may stand in several fields, with the token in another one than its name. What is left is one field.
      if (protocols.length === 0) return;
      names.push(name);
      values.push(protocols.join(', '));
      protocols = [];
      return;
    }
    const sent = head.values[at] as string;
    const value = name === 'cookie' ? withoutCookies(sent, traces.cookies) : sent;
    if (value === undefined) return;
    names.push(name);
    values.push(name === 'referer' ? refererWithout(value, traces.parameters) : value);
  });
  const query = head.query === undefined ? undefined : withoutParameters(head.query, traces.parameters);
  return { ...head, query, names, values };
}

/** Referer holds the URL of the previous page, which may have had the token too, and servers log it. */
function refererWithout(url: string, parameters: readonly string[]): string {
  const start = url.indexOf('?');
  if (start < 0 || parameters.length === 0) return url;
  const query = withoutParameters(url.slice(start + 1), parameters);
  return query === undefined ? url.slice(0, start) : `${url.slice(0, start)}?${query}`;
}
