import { pattern, section, text } from './fields.ts';

const sha256Hint = 'the SHA-256 of the file, 64 hexadecimal digits in lower case';

/** Another binary of the front engine than the one of this release. */
export const uws = section({
  file: text('a path to a file such as ./uws_linux_x64_115.node')
    .describe(
      'The binary. It must fit the Node.js that runs. A relative path starts at the folder of this file.',
    )
    .optional(),
  sha256: pattern(sha256Hint, /^[0-9a-f]{64}$/)
    .describe('SHA-256 of that file. The gateway does not load a file with another one.')
    .optional(),
}).meta({ required: ['file', 'sha256'] });
