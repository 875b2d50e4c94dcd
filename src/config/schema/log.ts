import { oneOf, pattern, section } from './fields.ts';

const accessLogHint = 'off, errors, all, or a rate above 0% and up to 100%, such as 1% or 0.1%';
const accessLog = pattern(accessLogHint, /^(off|errors|all|\d{1,3}(\.\d{1,6})?%)$/)
  .transform((value): 'off' | 'errors' | number => {
    if (value === 'off' || value === 'errors') return value;
    return value === 'all' ? 1 : Number.parseFloat(value) / 100;
  })
  .refine((value) => typeof value === 'string' || (value > 0 && value <= 1), {
    error: `is out of range; must be ${accessLogHint}`,
  });

/** The settings of the log. */
export const log = section({
  level: oneOf(['debug', 'info', 'warn', 'error']).prefault('info').describe('Lowest level that is logged.'),
  format: oneOf(['json', 'text'])
    .prefault('json')
    .describe('Form of the lines: JSON, or `text` with time, level, message and `key=value`.'),
  access: accessLog
    .prefault('off')
    .describe('Requests that are logged: `off`, `errors`, `all`, or a random share such as `1%`.'),
  refused: oneOf(['off', 'details'])
    .prefault('off')
    .describe('With `details` the log says of each refused token what was compared.'),
});
