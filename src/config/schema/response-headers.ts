import * as z from 'zod';
import { list, must, pattern, section, text } from './fields.ts';

const setHint =
  'a mapping from header names to values such as { Strict-Transport-Security: max-age=31536000 }';
const valueHint = 'visible ASCII with inner spaces at most, up to 4096 characters';
const removeHint = 'a list of header names such as [Server, X-Powered-By]';

/** Header fields of responses, by route. Resolving checks the names. */
export const responseHeaders = section({
  set: z
    .record(z.string(), pattern(valueHint, /^[!-~](?:[ -~]{0,4094}[!-~])?$/), { error: must(setHint) })
    .meta({ title: setHint })
    .describe(
      "Headers with fixed values. In upstream's responses they replace those of the same name; in the gateway's own replies on this route they are added where the reply has none of that name. `Strict-Transport-Security` is left out where the client has no TLS (RFC 6797).",
    )
    .optional(),
  remove: list(text('a header name such as Server'), removeHint)
    .describe("Headers of upstream's responses, interim ones such as 103 too, that clients do not get.")
    .optional(),
});

export type FileResponseHeaders = z.output<typeof responseHeaders>;
