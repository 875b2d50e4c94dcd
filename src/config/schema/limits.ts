import * as z from 'zod';
import { count, duration, either, rate, section, size } from './fields.ts';

const HOUR = 60 * 60_000;
const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

const NONE = 'none';

/** Limits of the whole gateway. */
export const limits = section({
  requestHead: size(4 * KIB, 256 * KIB)
    .prefault('16KiB')
    .describe('Request line and headers.'),
  requestBody: either([z.literal('unlimited'), size(0, 1024 * GIB)], 'unlimited, or a size such as 10MiB')
    .prefault('unlimited')
    .describe('Body of a request.'),
  responseHead: size(4 * KIB, MIB)
    .prefault('64KiB')
    .describe('Status line and headers of a response.'),
  bufferedBodies: size(MIB, 1024 * GIB)
    .prefault('256MiB')
    .describe(
      'Bytes of all request bodies that wait for upstreams slower than their clients. Beyond this the request gets `upstream_overloaded`. A client that is asked to pause may still deliver the megabytes that the kernel has received for it.',
    ),
  connections: count(1, 1_000_000)
    .prefault(10_000)
    .describe(
      'Client connections at one time, for all addresses of `listen` together. One more is closed at once. Each takes a file descriptor, and memory for socket buffers while its client is slow. Keep it below the limit of open files less the connections to upstream.',
    ),
  tunnels: count(0, 1_000_000)
    .prefault(10_000)
    .describe(
      'WebSockets and other upgraded connections at one time in each listener. One more gets `tunnels_exhausted`. Each takes a client connection, and one to upstream beside `limits.connections` of that upstream.',
    ),
  requestsPerConnection: either(
    [z.literal(NONE), count(1, 1_000_000_000)],
    'none, or a whole number such as 1000',
  )
    .prefault(NONE)
    .describe(
      'Requests on one client connection. With `engine: uws` it is an average: each response asks the client to leave with a probability of one in this many, because the engine does not say on which connection a request arrived. This spreads clients over several gateways behind a balancer.',
    ),
  headerFields: count(8, 256)
    .prefault(100)
    .describe('Header fields of a request. With `engine: uws` it is 98 at most.'),
});

/** Time-outs for requests of clients. */
export const timeouts = section({
  request: either([z.literal(NONE), duration(1, 24 * HOUR)], 'none, or a duration such as 60s')
    .prefault(NONE)
    .describe(
      'From the head of a request to the last byte of its response. After that the request gets `request_timeout` if its body is not complete, `upstream_timeout` if upstream has not responded, and a cut connection if the response has begun. The default is `none`, because long downloads and streams are legitimate and silence has time-outs of its own.',
    ),
  bodyMinRate: either([z.literal(NONE), rate(1, GIB)], 'none, or a rate such as 1KiB/s')
    .prefault('1KiB/s')
    .describe(
      'Rate that a request body must keep on average over 10 s. Time in which the gateway asked for a pause does not count. A slower body gets `request_timeout`. The default is slower than any link in use, and still bounds clients that hold a connection by trickling. With `none` only time without a byte ends a body: `timeouts.send`, and 8 to 12 s with `engine: uws`.',
    ),
  requestHead: duration(1000, HOUR)
    .prefault('15s')
    .describe(
      'Time for a request head from its first byte to its last, to a second. A slower head gets `request_timeout`. With `engine: uws` it is 8 to 12 s between two bytes, whatever this says.',
    ),
  keepAlive: duration(1000, 24 * HOUR)
    .prefault('75s')
    .describe(
      'Time without a request after which a client connection closes, to a second. With `engine: uws` it is 8 to 12 s, whatever this says.',
    ),
  tunnel: duration(1000, 24 * HOUR)
    .prefault('1h')
    .describe(
      'Time without a byte in either direction after which a WebSocket or another upgraded connection ends. Pings of either side count. An event stream may be silent for as long.',
    ),
  send: duration(1000, 24 * HOUR)
    .prefault('60s')
    .describe(
      'Time in which a client must take something of its response. After that the connection is cut. With `engine: uws` it is 8 to 12 s, whatever this says.',
    ),
});
