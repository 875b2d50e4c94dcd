import * as z from 'zod';
import {
  claim,
  either,
  list,
  must,
  oneOf,
  oneOrMany,
  optionalList,
  pattern,
  section,
  text,
} from './fields.ts';

const claimHint = 'the name of a claim such as sub or realm.roles';
const valueHint = 'visible ASCII with inner spaces at most, up to 1024 characters';

const mappingHint = `${claimHint}, a list of names such as [kubernetes.io, namespace], or { claim: roles, as: csv }`;
const claimHeader = section({
  claim: claim(claimHint).describe('Name of the claim. Dots reach into objects, and so do lists of names.'),
  as: oneOf(['auto', 'string', 'csv', 'json', 'base64url'])
    .prefault('auto')
    .describe('Form in which the value is written.'),
});

/** The facts that upstream gets about the token and the client. */
export const forwardSection = section({
  headers: z
    .record(z.string(), either([...claim(claimHint).options, claimHeader], mappingHint), {
      error: must('a mapping from header names to claims such as { X-User-Id: sub }'),
    })
    .meta({ title: 'a mapping from header names to claims such as { X-User-Id: sub }' })
    .prefault({})
    .describe('A mapping from header names to claims. Dots reach into objects, and so do lists of names.'),
  payload: text('the name of a header such as X-Jwt-Payload')
    .describe("Name of a header that carries the token's payload as it is, in base64url.")
    .optional(),
  set: z
    .record(z.string(), pattern(valueHint, /^[!-~](?:[ -~]{0,1022}[!-~])?$/), {
      error: must('a mapping from header names to values such as { X-Gateway: portcullis }'),
    })
    .meta({ title: 'a mapping from header names to values such as { X-Gateway: portcullis }' })
    .describe('Fixed headers, also with `auth: none`.')
    .optional(),
  remove: list(text('the name of a header such as X-Real-IP'), 'a list of header names such as [X-Real-IP]')
    .describe(
      'Headers of clients that no upstream gets, from no route, such as those that a service believes. Those of `headers`, `payload` and `set` need no entry.',
    )
    .optional(),
  token: oneOf(['keep', 'strip'])
    .prefault('keep')
    .describe('Whether upstream gets the token. It never gets a token from the query.'),
  forwarded: optionalList(oneOf(['for', 'proto', 'host']), 'a list of for, proto and host')
    .prefault(['for', 'proto', 'host'])
    .describe('The `X-Forwarded-*` headers that upstream gets.'),
});

export type FileForward = z.output<typeof forwardSection>;

const place = pattern(
  'header, "header:NAME", "header:NAME SCHEME", "cookie:NAME", "query:NAME" or "protocol:NAME"',
  /^(?:header|(?:header|cookie|query|protocol):.*)$/,
);

/** The places for the token. Resolving checks the names. */
export const tokenField = oneOrMany(
  place,
  'a place or a list of places such as [header, "cookie:access_token"]',
);

export type FileToken = z.output<typeof tokenField>;
