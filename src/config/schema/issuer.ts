import type * as z from 'zod';
import { algorithms } from '../../keys/algorithms.ts';
import { claim, duration, editorRule, flag, list, oneOf, optionalList, section, text } from './fields.ts';
import { keys } from './keys.ts';
import { audienceField, tokenTypesField } from './require.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** An issuer of tokens. */
export const issuer = section({
  issuer: text('the exact iss claim, or any')
    .describe('Must equal the `iss` claim exactly. `any` switches this check off, with a warning.')
    .optional(),
  audience: audienceField
    .describe(
      '`aud` must have one of these, or with `{ all: [...] }` each of them. `any` switches this check off, with a warning.',
    )
    .optional(),
  expiry: oneOf(['required', 'optional'])
    .prefault('required')
    .describe(
      'Whether a token must have `exp`. With `optional`, tokens without it are accepted for ever, with a warning.',
    ),
  algorithms: list(
    text('the name of an algorithm such as RS256').meta(
      editorRule({ enum: [...algorithms.keys()] }, ['RS256', 'ES256']),
    ),
    'a list of algorithms such as [RS256]',
  )
    .describe('The only signature algorithms that are accepted. The token never chooses.')
    .optional(),
  keys: keys
    .describe(
      'One source of keys, with exactly one of `pem`, `jwks`, `discovery` and `secret`. Or a list of up to 8 sources, each with its `algorithms`.',
    )
    .optional(),
  clockTolerance: duration(0, 10 * MINUTE)
    .prefault('0s')
    .describe('How far clocks may differ, for `exp` and `nbf`.'),
  require: optionalList(
    claim('the name of a claim, or a list of the names on the way to it'),
    'a list of claim names such as [sub, email]',
  )
    .prefault([])
    .describe('Claims that must be present. A dot is a letter here; a list of names reaches into objects.'),
  maxAge: duration(1, 8760 * HOUR)
    .describe('Longest time since `iat`. With this key a token must have `iat`.')
    .optional(),
  tokenTypes: tokenTypesField
    .describe(
      'Values of `typ` in the header that are accepted; the word `absent` accepts a token without `typ`. Without this key every value is accepted.',
    )
    .optional(),
  rejectIdTokens: flag().prefault(false).describe('Whether a token that looks like an ID token is refused.'),
  rolesClaim: claim('the name of a claim such as roles or realm_access.roles')
    .prefault('roles')
    .describe(
      "Claim in which the issuer's tokens have their roles. Dots reach into objects, and so do lists of names.",
    ),
}).meta({ required: ['issuer', 'audience', 'algorithms', 'keys'] });

export type FileIssuer = z.output<typeof issuer>;
