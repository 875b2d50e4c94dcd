import type * as z from 'zod';
import { count, duration, editorRule, flag, list, section, text } from './fields.ts';

const HOUR = 60 * 60_000;

/** A service behind the gateway. */
export const upstream = section({
  servers: list(
    text('a URL such as http://127.0.0.1:9000').meta(
      editorRule({ pattern: '^[hH][tT][tT][pP][sS]?://[^/?#@\\\\\\s]+/?$' }, ['http://127.0.0.1:9000']),
    ),
    'a list of URLs such as [http://127.0.0.1:9000]',
  )
    .describe('`http://host:port`; one server for now.')
    .optional(),
  timeouts: section({
    connect: duration(1, HOUR)
      .prefault('5s')
      .describe('For a connection to be made, and for one to become free.'),
    response: duration(1, HOUR).prefault('60s').describe('From the request to the head of the response.'),
    idle: duration(1, HOUR).prefault('60s').describe('Between two pieces of a body.'),
    keepAlive: duration(1, HOUR)
      .describe(
        'How long an unused connection is kept. Without this key it is `idle`. It is never longer than `Keep-Alive: timeout` of the server, less a second.',
      )
      .optional(),
  })
    .prefault({})
    .describe('Time-outs of this upstream.'),
  limits: section({
    connections: count(1, 65_535)
      .prefault(256)
      .describe('Connections at one time, of all listeners together.'),
    waiting: count(0, 1_000_000).prefault(1024).describe('Requests that wait for a connection.'),
  })
    .prefault({})
    .describe('Limits of this upstream.'),
  reuse: flag()
    .prefault(true)
    .describe('With `false` each request has a connection of its own, which is closed after it.'),
  pipelining: count(1, 64)
    .prefault(1)
    .describe(
      'Requests on one connection at a time. Above 1, requests that have no body and may be repeated share a connection.',
    ),
}).meta({ required: ['servers'] });

export type FileUpstream = z.output<typeof upstream>;
