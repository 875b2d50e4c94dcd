import type * as z from 'zod';
import { duration, flag, list, oneOf, pattern, section, text } from './fields.ts';

const DAY = 24 * 60 * 60_000;

/** A token (RFC 9110 §5.6.2) without `*`, which browsers read as every header (Fetch standard §4.9). */
const token = /^[!#$%&'+\-.^_`|~0-9A-Za-z]{1,256}$/;

/** The treatment of a route's preflight requests (Fetch standard §3.3). */
export const cors = section({
  preflight: oneOf(['authenticate', 'pass', 'answer'])
    .prefault('authenticate')
    .describe(
      '`authenticate`: a preflight request needs a token like any request, and browsers send none. `pass`: it goes upstream without a token. `answer`: the gateway answers it.',
    ),
  origins: list(
    text('an origin such as https://app.example.com'),
    'a list of origins such as [https://app.example.com], or ["*"]',
  )
    .describe(
      'For `answer`: origins that may ask, compared letter for letter. "*" allows every origin and excludes `credentials`.',
    )
    .optional(),
  methods: list(
    pattern('a method in capitals such as GET', /^[A-Z][A-Z-]{0,31}$/),
    'a list of methods such as [GET, POST]',
  )
    .describe(
      'For `answer`: allowed methods. Without this key they are the methods of `match`, or GET, HEAD and POST.',
    )
    .optional(),
  headers: list(
    pattern('the name of a header such as authorization', token),
    'a list of headers such as [authorization, content-type]',
  )
    .describe('For `answer`: allowed request headers. Without this key no header is allowed.')
    .optional(),
  maxAge: duration(0, DAY).describe('For `answer`: how long a browser may remember the reply.').optional(),
  credentials: flag().describe('For `answer`: whether the request may carry cookies.').optional(),
});

export type FileCors = z.output<typeof cors>;
