import * as z from 'zod';
import { claim, either, flag, list, must, pattern, section, text } from './fields.ts';

/** A scope (RFC 6749 §3.3). Its characters need no escape in the quoted string of a challenge. */
const scope = pattern(
  'a scope of 1 to 256 printable ASCII characters without space, " and \\; several are a list such as [a, b]',
  /^[!#-[\]-~]{1,256}$/,
);

const words = <Item extends z.ZodType>(item: Item, example: string) =>
  either(
    [
      list(item, `a list such as [${example}]`),
      section({
        any: list(item, `a list such as [${example}]`).optional(),
        all: list(item, `a list such as [${example}]`).optional(),
      }),
    ],
    `a list such as [${example}], or { any: [${example}] }`,
  );

const valueHint = 'a text, a number or true or false';
const number = z
  .number({ error: must(valueHint) })
  // Above, different numbers are read as the same one.
  .refine((value) => Math.abs(value) <= Number.MAX_SAFE_INTEGER, {
    error: 'is a number that cannot be told from its neighbours; must be at most 9007199254740991, or a text',
  });
const value = either([text(valueHint), number, z.boolean()], valueHint);

const testHint = 'a value, a list of values, { contains: value } or { exists: true }';
const claimTest = either(
  [
    text(testHint),
    number,
    z.boolean(),
    list(value, 'a list of values such as [pro, enterprise]'),
    section({ contains: value.optional(), exists: flag().optional() }),
  ],
  testHint,
);

const equalsHint = 'a value, or a list of values such as [pro, enterprise]';
const claimHint = 'the name of a claim, or a list of names such as [kubernetes.io, namespace]';
/** A test in a list, for a claim that the key of a mapping cannot name. */
const listedTest = section({
  claim: claim(claimHint)
    .describe('Name of the claim. Dots reach into objects, and so do lists of names.')
    .optional(),
  equals: either([text(equalsHint), number, z.boolean(), list(value, equalsHint)], equalsHint)
    .describe('The value it must have, or a list of allowed values.')
    .optional(),
  contains: value.describe('The value that must be in it. The claim must be an array.').optional(),
  exists: flag().describe('`true`: the claim must be present. `false`: it must be absent.').optional(),
}).meta({ required: ['claim'] });
const claimsHint =
  'a mapping from claims to what they must be, or a list such as [{ claim: [kubernetes.io, namespace], equals: prod }]';

/** The demands of a route on tokens. */
export const requireSection = section({
  scopes: words(scope, 'orders:read')
    .describe('Scopes that the claims `scope` and `scp` must have: all of them, or any.')
    .optional(),
  roles: words(text('the name of a role'), 'admin')
    .describe("Roles that the issuer's `rolesClaim` must have: all of them, or any.")
    .optional(),
  claims: either(
    [z.record(z.string(), claimTest, { error: must(claimsHint) }), list(listedTest, claimsHint)],
    claimsHint,
  )
    .describe(
      'A mapping from claims to what they must be: a value, a list of allowed values, `{ contains: value }` for an array, or `{ exists: true }`. Dots reach into objects. Or a list of `{ claim, equals }`, `{ claim, contains }` or `{ claim, exists }`, where `claim` may be a list of names.',
    )
    .optional(),
});

const audience = text('an audience');

/** Audiences of which a token must have one, or all. */
export const audienceField = either(
  [
    audience,
    list(audience, 'an audience, a list of them, or any'),
    section({ all: list(audience, 'a list of audiences') }),
  ],
  'an audience, a list of them, { all: [...] }, or any',
);

const typeHint = 'a typ such as JWT or at+jwt, or absent';

/** Restricted names of RFC 6838 §4.2, with or without the part before the slash. */
export const tokenTypesField = list(
  pattern(typeHint, /^([A-Za-z0-9][\w!#$&^.+-]{0,126}\/)?[A-Za-z0-9][\w!#$&^.+-]{0,126}$/),
  'a list such as [JWT, at+jwt]',
);

export type FileRequire = z.output<typeof requireSection>;
