import type * as z from 'zod';
import { duration, flag, list, oneOf, pattern, section, text } from './fields.ts';

const DAY = 24 * 60 * 60_000;

const token = /^[!#$%&'+\-.^_`|~0-9A-Za-z]{1,256}$/;

/** Who answers the preflight requests of a route (Fetch standard §3.3), and with what. */
export const cors = section({
  preflight: oneOf(['authenticate', 'pass', 'answer'])
    .prefault('authenticate')
    .describe(
      'authenticate: they need a token like any request, which browsers do not send; pass: they go upstream without one; answer: the gateway answers them',
    ),
  origins: list(
    text('an origin such as https://app.example.com'),
    'a list of origins such as [https://app.example.com], or ["*"]',
  )
    .describe('For answer: who may ask, letter for letter; "*" for everyone, without credentials')
    .optional(),
  methods: list(
    pattern('a method in capitals such as GET', /^[A-Z][A-Z-]{0,31}$/),
    'a list of methods such as [GET, POST]',
  )
    .describe('For answer: methods allowed; those of match when left out')
    .optional(),
  headers: list(
    pattern('the name of a header such as authorization', token),
    'a list of headers such as [authorization, content-type]',
  )
    .describe('For answer: request headers allowed; none when left out')
    .optional(),
  maxAge: duration(0, DAY).describe('For answer: how long browsers may remember it').optional(),
  credentials: flag().describe('For answer: whether cookies may be sent along').optional(),
});

export type FileCors = z.output<typeof cors>;
