import { address, count, duration, flag, pattern, section, text } from './fields.ts';
import { secretField } from './keys.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export const secretHint = `32 to 512 visible ASCII characters, best as \${NAME} from the environment`;

export const revocation = section({
  secret: pattern(secretHint, /^[!-~]{1,512}$/)
    .describe('Bearer secret of POST /revocations on the admin address; without it there is no such path')
    .optional(),
  fusionauth: section({
    issuer: text('the name of an issuer')
      .describe('Whose tokens are revoked; its keys verify the webhooks unless there is a secret')
      .optional(),
    listen: address()
      .describe('Address of POST /webhooks/fusionauth; the admin address when left out')
      .optional(),
    secret: secretField.describe('Secret of webhooks that are signed with HS256, HS384 or HS512').optional(),
  })
    .meta({ required: ['issuer'] })
    .describe('Webhooks of FusionAuth')
    .optional(),
  tokenLife: duration(MINUTE, 8760 * HOUR)
    .prefault('24h')
    .describe(
      'At least as long as any token lives, as revocations are forgotten by it: a token that lives longer works again. A day is longer than access tokens should live',
    ),
  entries: count(1, 10_000_000)
    .prefault(100_000)
    .describe(
      'Revocations in force at one time, of 0.8 KiB each for a user and up to 3 KiB for a session; more are refused, and /readyz tells',
    ),
  redis: pattern('a URL such as redis://127.0.0.1:6379', /^rediss?:\/\/\S+$/)
    .describe('Redis by which gateways share revocations; rediss:// with TLS')
    .optional(),
  redisSecret: pattern(secretHint, /^[!-~]{1,512}$/)
    .describe(
      'What shared revocations are signed with, the same for all gateways; those without a good signature are refused. Without it everybody who can write to that Redis can revoke',
    )
    .optional(),
  redisRequired: flag().prefault(false).describe('Whether /readyz is 503 while Redis is not available'),
});
