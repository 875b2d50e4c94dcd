import { itemsOf, valuesOf } from '../field-values.ts';
import type { RequestHead } from '../message.ts';

/** The field in which a client offers subprotocols. Browsers let pages set no other one (RFC 6455 §11.3.4). */
export const PROTOCOL_FIELD = 'sec-websocket-protocol';

/** The subprotocols that a request offers, in their order. */
export function offeredProtocols(head: RequestHead): readonly string[] {
  return itemsOf(valuesOf(head, PROTOCOL_FIELD));
}

/** The item behind each place of a name, which is a token and no protocol; undefined where the name stands last. */
export function behindNames(offered: readonly string[], name: string): readonly (string | undefined)[] {
  return offered.flatMap((one, at) => (one === name ? [offered[at + 1]] : []));
}

/** The protocols without these names and the item behind each. */
export function withoutNames(offered: readonly string[], names: readonly string[]): readonly string[] {
  const isOut = (at: number): boolean => names.includes(offered[at] as string);
  return offered.filter((_, at) => !isOut(at) && !(at > 0 && isOut(at - 1)));
}
