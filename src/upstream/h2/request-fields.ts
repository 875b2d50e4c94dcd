import { Buffer } from 'node:buffer';
import { constants, sensitiveHeaders } from 'node:http2';
import { isGrpcType } from '../../http/grpc.ts';
import type { RequestLines } from '../../http/message.ts';

/**
 * Fields that no compression table may hold (RFC 7541 §7.1.3). Requests of many clients share a session, so that the
 * size of one request could tell something of the secrets of another one.
 */
const secrets: string[] = ['authorization', 'cookie'];

/** Fields of a request in the form of node:http2, each character of a value a byte. */
export type RequestFields = Record<string, string | string[]>;

/** The head of a request for HTTP/2. */
export interface H2Request {
  readonly fields: RequestFields;
  /** The call may be silent for long, and its peers agree on deadlines by themselves. */
  readonly grpc: boolean;
  /** The head says how many bytes follow. */
  readonly hasLength: boolean;
}

/**
 * Turns a request head into fields (RFC 9113 §8.3.1). The writer of the head has removed all fields of the connection
 * except for those that frame the body. Lines with one name become one field (RFC 9110 §5.3).
 * @param scheme of the server.
 */
export function requestFields(head: RequestLines, scheme: 'http' | 'https'): H2Request {
  const text = head.encoding === 'latin1' ? head.text : Buffer.from(head.text).toString('latin1');
  let end = text.indexOf('\r\n');
  const first = text.indexOf(' ');
  const fields = {
    __proto__: null,
    [constants.HTTP2_HEADER_METHOD]: text.slice(0, first),
    [constants.HTTP2_HEADER_SCHEME]: scheme,
    [constants.HTTP2_HEADER_AUTHORITY]: '',
    [constants.HTTP2_HEADER_PATH]: text.slice(first + 1, text.lastIndexOf(' ', end)),
    [sensitiveHeaders]: secrets,
  } as unknown as RequestFields;
  let grpc = false;
  let hasLength = false;
  for (;;) {
    const start = end + 2;
    end = text.indexOf('\r\n', start);
    if (end <= start) break;
    const colon = text.indexOf(':', start);
    // The writer keeps the spelling of fields that the configuration names.
    const name = text.slice(start, colon).toLowerCase();
    const value = text.slice(colon + 2, end);
    switch (name) {
      case 'host':
        fields[constants.HTTP2_HEADER_AUTHORITY] = value;
        continue;
      case 'transfer-encoding':
        continue;
      case 'content-length':
        hasLength = true;
        break;
      case 'content-type':
        grpc = isGrpcType(value);
        break;
      default:
    }
    const known = fields[name];
    fields[name] =
      known === undefined ? value : `${known as string}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  if (head.takesTrailers === true) fields['te'] = 'trailers';
  return { fields, grpc, hasLength };
}

/** Trailers in the form of node:http2. @param lines each with its CRLF, as for a chunked body. */
export function trailerFields(lines: string): RequestFields {
  const fields = { __proto__: null } as unknown as RequestFields;
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 2);
    const known = fields[name];
    fields[name] = known === undefined ? value : `${known as string}, ${value}`;
  }
  return fields;
}
