import * as z from 'zod';
import { duration, flag, list, must, oneOrMany, section, text } from './fields.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const secretHint = `the secret, best as \${NAME} from the environment`;
const pemHint = 'a path to a PEM file, or PEM text';
const jwksHint = 'a path to a JWKS file, or its https URL';

const secretText = z.string({ error: must(secretHint) }).min(1, { error: must(secretHint) });
const bytesHint = `base64 of the secret, best as \${NAME} from the environment`;

/** A text, whose UTF-8 is the secret, or bytes. */
export const secretField = z.union(
  [
    secretText,
    section({
      base64: z
        .string({ error: must(bytesHint) })
        .min(1, { error: must(bytesHint) })
        .describe('The bytes of the secret in base64')
        .optional(),
      base64url: z
        .string({ error: must(bytesHint) })
        .min(1, { error: must(bytesHint) })
        .describe('The bytes of the secret in base64url')
        .optional(),
    }),
  ],
  { error: must(`${secretHint}, or { base64: … } for bytes`) },
);

export type FileSecret = z.output<typeof secretField>;

/** Milliseconds that hold where the file says nothing; each reason stands with its key below. */
export const remoteDefaults = {
  refreshMin: MINUTE,
  refreshMax: HOUR,
  timeout: 5 * SECOND,
  stale: 24 * HOUR,
  unknownKidGap: 30 * SECOND,
} as const;

/**
 * Where an issuer's keys come from. The timing keys have no prefault, so that one which would have no effect is
 * noticed; every key is optional here, because what is missing is reported when references are resolved.
 */
const shape = {
  pem: oneOrMany(
    z.string({ error: must(pemHint) }).min(1, { error: must(pemHint) }),
    'a path to a PEM file, or a list of them',
  )
    .describe('PEM public keys or X.509 certificates: paths, or the PEM text itself')
    .optional(),
  jwks: z
    .string({ error: must(jwksHint) })
    .min(1, { error: must(jwksHint) })
    .describe(
      'JSON Web Key Set: a path to a file, an https URL from which it is fetched, or the JSON text itself',
    )
    .optional(),
  discovery: text('the https URL of an OpenID provider')
    .describe(
      'https URL of an OpenID provider, to which /.well-known/openid-configuration is added, or of a document below /.well-known/, which is fetched as given; its jwks_uri is used, and its issuer must equal the configured one exactly',
    )
    .optional(),
  secret: secretField.describe('Shared secret for HS256, HS384 and HS512 only').optional(),
  refreshMin: duration(SECOND, 24 * HOUR)
    .optional()
    .describe(
      '1m by default. Least time between two refreshes of a fetched set, give or take 10 %, even if Cache-Control says less: an issuer that forbids caching is not asked all the time',
    ),
  refreshMax: duration(SECOND, 24 * HOUR)
    .optional()
    .describe(
      '1h by default. Longest time between two refreshes of a fetched set, give or take 10 %, and the time without Cache-Control: a removed key is noticed after it at the latest',
    ),
  timeout: duration(100, MINUTE)
    .optional()
    .describe(
      '5s by default. For a whole fetch, discovery and redirects included; a token with an unknown key waits no longer',
    ),
  stale: duration(SECOND, 168 * HOUR)
    .optional()
    .describe(
      '24h by default. How long the last good set stays in force while the issuer cannot be reached, restarts included with state: long enough to mend an issuer, short enough for a withdrawn key; then 503',
    ),
  unknownKidGap: duration(SECOND, HOUR)
    .optional()
    .describe(
      '30s by default. Least time between two fetches that tokens with unknown keys cause: a rotated key works at once, made-up ones cannot hammer the issuer',
    ),
  allowHttp: flag()
    .optional()
    .describe(
      'False by default. Allows plain http beyond loopback: anyone who can change that traffic can sign tokens',
    ),
};

const exactlyOne = ['pem', 'jwks', 'discovery', 'secret'].map((name) => ({ required: [name] }));

/** One source, for all algorithms of the issuer. */
const oneSource = section(shape).meta({ oneOf: exactlyOne });
/** One of several sources, with the algorithms to which it is pinned. */
const pinnedSource = section({
  ...shape,
  algorithms: list(text('the name of an algorithm such as RS256'), 'a list of algorithms such as [RS256]')
    .describe("Those of the issuer's algorithms for which these keys are; secrets and public keys never mix")
    .optional(),
}).meta({ required: ['algorithms'], oneOf: exactlyOne });

/** A migration has two or three; each fetched one is a fetch and a timer of its own. */
const MAX_SOURCES = 8;
const sourcesHint =
  'a mapping with exactly one of pem, jwks, discovery, secret, or a list of such mappings, each with its algorithms';

export const keys = z.union([oneSource, list(pinnedSource, sourcesHint, MAX_SOURCES)], {
  error: must(sourcesHint),
});

/** What one source holds, in any of its forms. */
export type FileKeys = z.output<typeof oneSource>;
