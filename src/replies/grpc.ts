import { fieldsOf, type Reply } from '../http/message.ts';
import { type Reason, reasons } from '../reasons.ts';
import { noBody } from './no-body.ts';

const DEADLINE_EXCEEDED = 4;
const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;
const INTERNAL = 13;
const UNKNOWN = 2;

/**
 * The status of gRPC for a status of HTTP: those that gRPC's document "HTTP to gRPC Status Code Mapping" names, and for
 * the others of the gateway the one that "Status codes and their use in gRPC" describes.
 */
const statuses: Readonly<Record<number, number>> = {
  400: INTERNAL,
  401: 16, // UNAUTHENTICATED
  403: 7, // PERMISSION_DENIED
  404: UNIMPLEMENTED,
  // gRPC's mapping says UNAVAILABLE, at which clients try again at once; a quota that is used up is this one.
  429: RESOURCE_EXHAUSTED,
  502: 14, // UNAVAILABLE
  503: 14,
  504: 14,
  408: DEADLINE_EXCEEDED,
  411: UNIMPLEMENTED,
  413: RESOURCE_EXHAUSTED,
  431: RESOURCE_EXHAUSTED,
  500: INTERNAL,
  501: UNIMPLEMENTED,
  508: INTERNAL,
};

/**
 * A refusal as a client of gRPC understands it: a response that consists of trailers ("Trailers-Only" in gRPC over
 * HTTP/2). The fields of the reply stay, the challenge and Retry-After among them.
 */
export function grpcReply(reply: Reply, reason: Reason): Reply {
  const kept = fieldsOf(reply.head).filter(([name]) => name.toLowerCase() !== 'content-type');
  const fields = [
    ['content-type', 'application/grpc'],
    ['grpc-status', String(statuses[reply.head.status] ?? UNKNOWN)],
    // ASCII without `%`, which gRPC would have encoded.
    ['grpc-message', `${reason}: ${reasons[reason].text}`],
    ...kept,
  ];
  const lines = ['200 OK', ...fields.map(([name, value]) => `${name}: ${value}`)].join('\r\n');
  return {
    head: { status: 200, lines, eightBit: false, framing: 'none', contentLength: -1 },
    body: noBody,
    close: reply.close,
  };
}
