import * as z from 'zod';
import { duration, either, flag, list, must, oneOrMany, section, text } from './fields.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const secretHint = `the secret, best as \${NAME} from the environment`;
const pemHint = 'a path to a PEM file, or PEM text';
const jwksHint = 'a path to a JWKS file, or its https URL';

const secretText = z
  .string({ error: must(secretHint) })
  .min(1, { error: must(secretHint) })
  .meta({ title: secretHint });
const bytesHint = `base64 of the secret, best as \${NAME} from the environment`;

/** A secret: a text, of which the UTF-8 bytes count, or bytes. */
export const secretField = either(
  [
    secretText,
    section({
      base64: z
        .string({ error: must(bytesHint) })
        .min(1, { error: must(bytesHint) })
        .meta({ title: bytesHint })
        .describe('The bytes of the secret in base64.')
        .optional(),
      base64url: z
        .string({ error: must(bytesHint) })
        .min(1, { error: must(bytesHint) })
        .meta({ title: bytesHint })
        .describe('The bytes of the secret in base64url.')
        .optional(),
    }),
  ],
  `${secretHint}, or { base64: … } for bytes`,
);

export type FileSecret = z.output<typeof secretField>;

/** Defaults in milliseconds; the description of each key below has the reason. */
export const remoteDefaults = {
  refreshMin: MINUTE,
  refreshMax: HOUR,
  timeout: 5 * SECOND,
  stale: 24 * HOUR,
  unknownKidGap: 30 * SECOND,
} as const;

/**
 * The source of an issuer's keys. The times have no prefault here, so that resolving notices one without effect. Every
 * key is optional, because resolving reports missing ones.
 */
const shape = {
  pem: oneOrMany(
    z.string({ error: must(pemHint) }).min(1, { error: must(pemHint) }),
    'a path to a PEM file, or a list of them',
  )
    .describe('PEM public keys or X.509 certificates, as paths or as the PEM text itself.')
    .optional(),
  jwks: z
    .string({ error: must(jwksHint) })
    .min(1, { error: must(jwksHint) })
    .meta({ title: jwksHint })
    .describe(
      'JSON Web Key Set: the path of a file, the https URL to fetch it from, or the JSON text itself.',
    )
    .optional(),
  discovery: text('the https URL of an OpenID provider')
    .describe(
      'https URL of an OpenID provider; the gateway adds `/.well-known/openid-configuration`. It fetches a URL with `/.well-known/` in its path as given. The keys come from `jwks_uri` of the document, whose `issuer` must equal the configured issuer exactly.',
    )
    .optional(),
  secret: secretField.describe('Shared secret, for HS256, HS384 and HS512 only.').optional(),
  refreshMin: duration(SECOND, 24 * HOUR)
    .optional()
    .describe(
      '1m by default. Shortest time between two refreshes of a fetched set, give or take 10 %. It holds even if `Cache-Control` says less, so an issuer that forbids caching is not asked all the time.',
    ),
  refreshMax: duration(SECOND, 24 * HOUR)
    .optional()
    .describe(
      '1h by default. Longest time between two refreshes of a fetched set, give or take 10 %, and the time without `Cache-Control`. The gateway notices a removed key after this time at the latest.',
    ),
  timeout: duration(100, MINUTE)
    .optional()
    .describe(
      '5s by default. For a whole fetch, with discovery and redirects. A token with an unknown key waits no longer.',
    ),
  stale: duration(SECOND, 168 * HOUR)
    .optional()
    .describe(
      '24h by default. How long the last good set stays in force while the issuer cannot be reached; with `state` it outlives restarts. After that requests get 503. The time must be long enough to mend an issuer and short enough for a withdrawn key. It must be at least twice `refreshMax`.',
    ),
  unknownKidGap: duration(SECOND, HOUR)
    .optional()
    .describe(
      '30s by default. Shortest time between two fetches that tokens with unknown keys cause. A rotated key works at once, and made-up keys cannot flood the issuer.',
    ),
  allowHttp: flag()
    .optional()
    .describe(
      'false by default. Allows plain http beyond loopback. Anyone who can change that traffic can sign tokens.',
    ),
};

const exactlyOne = ['pem', 'jwks', 'discovery', 'secret'].map((name) => ({ required: [name] }));

/** One source, for all algorithms of the issuer. */
const oneSource = section(shape).meta({ oneOf: exactlyOne });
/** One of several sources, with the algorithms to which it is pinned. */
const pinnedSource = section({
  ...shape,
  algorithms: list(text('the name of an algorithm such as RS256'), 'a list of algorithms such as [RS256]')
    .describe(
      "In a list of sources: the issuer's algorithms that the keys of this source are for. A secret and public keys never share a source.",
    )
    .optional(),
}).meta({ required: ['algorithms'], oneOf: exactlyOne });

/** Sources of one issuer. A migration has two or three, and each fetched source has its own timer. */
const MAX_SOURCES = 8;
const sourcesHint =
  'a mapping with exactly one of pem, jwks, discovery, secret, or a list of such mappings, each with its algorithms';

export const keys = either([oneSource, list(pinnedSource, sourcesHint, MAX_SOURCES)], sourcesHint);

/** One source, in any of its forms. */
export type FileKeys = z.output<typeof oneSource>;
