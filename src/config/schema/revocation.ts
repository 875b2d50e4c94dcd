import { address, count, duration, flag, pattern, section, text } from './fields.ts';
import { secretField } from './keys.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export const secretHint = `32 to 512 visible ASCII characters, best as \${NAME} from the environment`;

export const revocation = section({
  secret: pattern(secretHint, /^[!-~]{1,512}$/)
    .describe(
      'Bearer secret of `POST /revocations` on the admin address. Without it that path does not exist.',
    )
    .optional(),
  fusionauth: section({
    issuer: text('the name of an issuer')
      .describe(
        'The issuer whose tokens the webhooks revoke. Its keys verify the webhooks, unless `secret` is set.',
      )
      .optional(),
    listen: address()
      .describe('Address of `POST /webhooks/fusionauth`. Without it webhooks go to the admin address.')
      .optional(),
    secret: secretField.describe('Secret of webhooks that are signed with HS256, HS384 or HS512.').optional(),
  })
    .meta({ required: ['issuer'] })
    .describe('Webhooks of FusionAuth.')
    .optional(),
  tokenLife: duration(MINUTE, 8760 * HOUR)
    .prefault('24h')
    .describe(
      'How long a revocation is kept. It must be at least the longest life of any token: a token that lives longer works again. A day is longer than access tokens should live.',
    ),
  entries: count(1, 10_000_000)
    .prefault(100_000)
    .describe(
      'Revocations in force at one time. One takes 0.8 KiB for a user and up to 3 KiB for a session. The gateway refuses more, and `/readyz` says so.',
    ),
  redis: pattern('a URL such as redis://127.0.0.1:6379', /^rediss?:\/\/\S+$/)
    .describe('Redis through which gateways share revocations. `rediss://` uses TLS.')
    .optional(),
  redisSecret: pattern(secretHint, /^[!-~]{1,512}$/)
    .describe(
      'Secret that signs shared revocations, the same for all gateways. A line without a good signature is refused. Without this secret everybody who can write to that Redis can revoke.',
    )
    .optional(),
  redisRequired: flag().prefault(false).describe('Whether `/readyz` is 503 while Redis is not available.'),
});
