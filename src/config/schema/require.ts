import * as z from 'zod';
import { claim, flag, list, must, pattern, section, text } from './fields.ts';

/** RFC 6749 §3.3, so that scopes can stand in a quoted string of the challenge as they are. */
const scope = pattern(
  'a scope of 1 to 256 printable ASCII characters without space, " and \\; several are a list such as [a, b]',
  /^[!#-[\]-~]{1,256}$/,
);

const words = <Item extends z.ZodType>(item: Item, example: string) =>
  z.union(
    [
      list(item, `a list such as [${example}]`),
      section({
        any: list(item, `a list such as [${example}]`).optional(),
        all: list(item, `a list such as [${example}]`).optional(),
      }),
    ],
    { error: must(`a list such as [${example}], or { any: [${example}] }`) },
  );

const valueHint = 'a text, a number or true or false';
const number = z
  .number({ error: must(valueHint) })
  // Beyond, neighbours are read as one number.
  .refine((value) => Math.abs(value) <= Number.MAX_SAFE_INTEGER, {
    error: 'is a number that cannot be told from its neighbours; must be at most 9007199254740991, or a text',
  });
const value = z.union([text(valueHint), number, z.boolean()], { error: must(valueHint) });

const testHint = 'a value, a list of values, { contains: value } or { exists: true }';
const claimTest = z.union(
  [
    text(testHint),
    number,
    z.boolean(),
    list(value, 'a list of values such as [pro, enterprise]'),
    section({ contains: value.optional(), exists: flag().optional() }),
  ],
  { error: must(testHint) },
);

const equalsHint = 'a value, or a list of values such as [pro, enterprise]';
const claimHint = 'the name of a claim, or a list of names such as [kubernetes.io, namespace]';
/** A test in a list, for claims that a key of a mapping cannot name. */
const listedTest = section({
  claim: claim(claimHint).describe('Dots reach into objects, as do lists of names').optional(),
  equals: z
    .union([text(equalsHint), number, z.boolean(), list(value, equalsHint)], { error: must(equalsHint) })
    .describe('What it must be, or one of which')
    .optional(),
  contains: value.describe('What must be in it, an array').optional(),
  exists: flag().describe('Whether it must be there, or must not').optional(),
}).meta({ required: ['claim'] });
const claimsHint =
  'a mapping from claims to what they must be, or a list such as [{ claim: [kubernetes.io, namespace], equals: prod }]';

/** What a route demands of tokens. */
export const requireSection = section({
  scopes: words(scope, 'orders:read').describe('Scopes in scope or scp: all of them, or any').optional(),
  roles: words(text('the name of a role'), 'admin')
    .describe("Roles in the issuer's rolesClaim: all of them, or any")
    .optional(),
  claims: z
    .union([z.record(z.string(), claimTest, { error: must(claimsHint) }), list(listedTest, claimsHint)], {
      error: must(claimsHint),
    })
    .describe(
      'Claim to what it must be: a value, one of a list, { contains } for an array, or { exists }; dots reach into objects. Or a list of { claim, equals | contains | exists }, where a claim may be a list of names',
    )
    .optional(),
});

const audience = text('an audience');

/** Any one of them, or all. */
export const audienceField = z.union(
  [
    audience,
    list(audience, 'an audience, a list of them, or any'),
    section({ all: list(audience, 'a list of audiences') }),
  ],
  { error: must('an audience, a list of them, { all: [...] }, or any') },
);

const typeHint = 'a typ such as JWT or at+jwt, or absent';

/** Restricted names of RFC 6838 §4.2, with or without the part before the slash. */
export const tokenTypesField = list(
  pattern(typeHint, /^([A-Za-z0-9][\w!#$&^.+-]{0,126}\/)?[A-Za-z0-9][\w!#$&^.+-]{0,126}$/),
  'a list such as [JWT, at+jwt]',
);

export type FileRequire = z.output<typeof requireSection>;
