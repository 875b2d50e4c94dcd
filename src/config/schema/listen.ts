import type * as z from 'zod';
import { anyAddress, oneOf, section } from './fields.ts';
import { protocols, tls } from './tls.ts';

/** An address with more than its place. */
export const listenObject = section({
  address: anyAddress().describe('The address.').optional(),
  engine: oneOf(['auto', 'uws', 'node'])
    .prefault('auto')
    .describe(
      "What serves the address: uWebSockets.js, or a front on Node.js's own sockets. `auto`: uWebSockets.js where it has a binary for the platform.",
    ),
  proxyProtocol: oneOf(['off', 'required'])
    .prefault('off')
    .describe(
      '`required`: every connection begins with a header of the PROXY protocol, version 1 or 2, which names the client. Only `trustedProxies` may connect; all others are closed at once. The address is served by `engine: node`.',
    ),
  tls: tls.describe('TLS with these certificates. The address is served by `engine: node`.').optional(),
  protocols: protocols.describe(
    'Protocols that clients may speak. The default is `[h2, http/1.1]` with `tls`, where they choose with ALPN, and `[http/1.1]` without. `h2c` is HTTP/2 without TLS, by prior knowledge. The address is then served by `engine: node`.',
  ),
  redirect: oneOf(['https'])
    .describe(
      '`https`: every request at this address gets 308 to the same URL under https, without a route and without a token. The port is that of the first address with `tls`, or 443.',
    )
    .optional(),
}).meta({ required: ['address'] });

/** One address in its long form. */
export type FileListen = z.output<typeof listenObject>;
