import { flag, oneOf, pattern, section, text } from './fields.ts';

const shareHint = 'a share from 0% to 100%, such as 1% or 0.1%';

/** The export of spans. Resolving checks the URL. */
export const tracing = section({
  otlp: text('a URL such as http://127.0.0.1:4318').describe(
    'A receiver of OTLP over HTTP, such as an OpenTelemetry Collector. `/v1/traces` is added unless the URL ends with it.',
  ),
  sample: pattern(shareHint, /^\d{1,3}(\.\d{1,6})?%$/)
    .transform((value) => Number.parseFloat(value) / 100)
    .refine((value) => value <= 1, { error: `is out of range; must be ${shareHint}` })
    .prefault('1%')
    .describe('Random share of the requests without a sampling decision of a trusted caller.'),
  trust: oneOf(['trustedProxies', 'everyone', 'nobody'])
    .prefault('trustedProxies')
    .describe('Callers whose sampled flag in `traceparent` decides. For all others `sample` does.'),
  paths: flag()
    .prefault(false)
    .describe('Whether spans have `url.path`, without the query. A path may hold secrets.'),
}).meta({ required: ['otlp'] });
