import { createHash, randomBytes } from 'node:crypto';
import { itemsOf, valuesOf } from '../field-values.ts';
import { namedOptions } from '../h1/connection-options.ts';
import { type Field, fieldsOf, type RequestHead, type ResponseHead } from '../message.ts';
import { offeredProtocols, PROTOCOL_FIELD, withoutNames } from './protocols.ts';

/** The value that every server appends to the key (RFC 6455 §1.3). */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** 16 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
const KEY_BYTES = 16;
const VERSION = '13';

/** The field of the key, which HTTP/2 does without (RFC 8441 §5). */
export const KEY_FIELD = 'sec-websocket-key';

/** A key that no one can foretell (RFC 6455 §4.1). */
export function newKey(): string {
  return randomBytes(KEY_BYTES).toString('base64');
}

/**
 * The protocols to which a request asks to upgrade, in lower case (RFC 9110 §7.8, RFC 8441 §4); empty when it asks for none.
 */
export function upgradesOf(head: RequestHead): readonly string[] {
  if (head.connects !== undefined) return [head.connects];
  if (!namedOptions(valuesOf(head, 'connection')).includes('upgrade')) return [];
  return namedOptions(valuesOf(head, 'upgrade')).filter((name) => name !== '');
}

/**
 * Why a request that asks for `websocket` cannot have it (RFC 6455 §4.2.1): another version, which the client may mend,
 * or a malformed handshake. Undefined when it can.
 */
export function handshakeFault(head: RequestHead): 'version' | 'malformed' | undefined {
  const versions = valuesOf(head, 'sec-websocket-version');
  if (versions.length !== 1) return versions.length === 0 ? 'version' : 'malformed';
  if (versions[0] !== VERSION) return 'version';
  const [key = '', ...others] = valuesOf(head, KEY_FIELD);
  if (others.length > 0 || !KEY.test(key)) return 'malformed';
  return head.method === 'GET' && head.framing === 'none' ? undefined : 'malformed';
}

/** The value by which a server shows that it has understood the key (RFC 6455 §4.2.2). */
export function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + GUID, 'latin1')
    .digest('base64');
}

/**
 * What is wrong with a server's 101 (RFC 6455 §4.1); undefined when nothing is. Its protocol and extensions must be
 * among those that were offered.
 * @param upgrade the protocols that the server names in Upgrade, where Connection lists it.
 * @param withheld subprotocols that the server was not offered, each with the item behind it.
 */
export function acceptanceFault(
  request: RequestHead,
  response: ResponseHead,
  upgrade: string | undefined,
  withheld: readonly string[],
): string | undefined {
  if (upgrade?.toLowerCase() !== 'websocket') return 'upgrade';
  const fields = fieldsOf(response);
  const accepts = lowerValues(fields, 'sec-websocket-accept');
  const [key = ''] = valuesOf(request, KEY_FIELD);
  if (accepts.length !== 1 || accepts[0] !== acceptOf(key)) return 'accept';
  const protocols = lowerValues(fields, PROTOCOL_FIELD);
  const offered = withoutNames(offeredProtocols(request), withheld);
  if (protocols.length > 1 || !protocols.every((name) => offered.includes(name))) return 'protocol';
  const extensions = extensionNames(lowerValues(fields, 'sec-websocket-extensions'));
  const known = extensionNames(valuesOf(request, 'sec-websocket-extensions'));
  return extensions.every((name) => known.includes(name)) ? undefined : 'extension';
}

function lowerValues(fields: readonly Field[], wanted: string): readonly string[] {
  return fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
}

/** Names without parameters. A comma in a quoted parameter makes a name that was not offered, so it is refused. */
function extensionNames(values: readonly string[]): readonly string[] {
  return itemsOf(values).map((one) => (one.split(';')[0] as string).trim().toLowerCase());
}
