import { claim, either, list, oneOf, pattern, section, text } from './fields.ts';

/** Fields of a line of the access log, in their usual order. */
export const accessFields = [
  ...(['time', 'client', 'protocol', 'tls', 'sni', 'method', 'host', 'path', 'route', 'outcome'] as const),
  ...(['status', 'durationMs', 'requestBytes', 'answerBytes', 'upstream', 'server', 'attempts'] as const),
  ...(['end', 'requestId', 'traceId', 'pathRule'] as const),
] as const;

/** Claims in a line, so that it stays short. */
const MAX_CLAIMS = 8;

const format = oneOf(['json', 'text']);

const accessLogHint = 'off, errors, all, or a rate above 0% and up to 100%, such as 1% or 0.1%';
const accessLog = pattern(accessLogHint, /^(off|errors|all|\d{1,3}(\.\d{1,6})?%)$/)
  .transform((value): 'off' | 'errors' | number => {
    if (value === 'off' || value === 'errors') return value;
    return value === 'all' ? 1 : Number.parseFloat(value) / 100;
  })
  .refine((value) => typeof value === 'string' || (value > 0 && value <= 1), {
    error: `is out of range; must be ${accessLogHint}`,
  });

const syslogHint = 'a server such as udp://127.0.0.1:514, tcp://logs.internal:601 or unix:/run/syslog.sock';

const facilities = [
  ...(['user', 'daemon', 'local0', 'local1', 'local2'] as const),
  ...(['local3', 'local4', 'local5', 'local6', 'local7'] as const),
] as const;

const accessObject = section({
  mode: accessLog.prefault('all').describe('Requests that are logged, as in the short form.'),
  format: format.describe('Form of lines in a file or for syslog; by default that of the log.').optional(),
  file: text('a path to a file')
    .describe('File to which lines are appended. It is made if it is missing, and again on `SIGUSR1`.')
    .optional(),
  syslog: either(
    [
      text(syslogHint),
      section({
        server: text(syslogHint).describe(
          '`udp://` sends datagrams (RFC 5426), `tcp://` and `unix:` streams with lengths (RFC 6587). A unix socket must be of the stream kind.',
        ),
        facility: oneOf(facilities)
          .prefault('local0')
          .describe('Facility of the messages; their severity is informational.'),
      }).meta({ required: ['server'] }),
    ],
    `${syslogHint}, or a mapping where more is to be said`,
  )
    .describe('Server that gets lines as messages of RFC 5424.')
    .optional(),
  fields: list(oneOf(accessFields), `a list of fields: ${accessFields.join(', ')}`)
    .describe('Fields of a line, in their order; all by default.')
    .optional(),
  claims: list(claim('the name of a claim'), 'a list of names of claims', MAX_CLAIMS)
    .describe(
      'Claims in the line of a request that was let in; dots reach into objects. No other part of a token is logged.',
    )
    .optional(),
});

/** The settings of the log. */
export const log = section({
  level: oneOf(['debug', 'info', 'warn', 'error']).prefault('info').describe('Lowest level that is logged.'),
  format: format
    .prefault('json')
    .describe('Form of the lines: JSON, or `text` with time, level, message and `key=value`.'),
  access: either([accessLog, accessObject], `${accessLogHint}, or a mapping where more is to be said`)
    .prefault('off')
    .describe(
      'Requests that are logged: `off`, `errors`, `all`, or a random share such as `1%`; or a mapping that says also where and what.',
    ),
  refused: oneOf(['off', 'details'])
    .prefault('off')
    .describe('With `details` the log says of each refused token what was compared.'),
});
