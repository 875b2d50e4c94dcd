import { pattern, section, text } from './fields.ts';

const sha256Hint = 'the SHA-256 of the file, 64 hexadecimal digits in lower case';

/** Another binary of the front engine than the one of this release. */
export const uws = section({
  file: text('a path to a file such as ./uws_linux_x64_115.node')
    .describe('The binary, for the Node.js that runs; a relative path starts at the folder of this file')
    .optional(),
  sha256: pattern(sha256Hint, /^[0-9a-f]{64}$/)
    .describe('Its SHA-256; a file with another one is not loaded')
    .optional(),
}).meta({ required: ['file', 'sha256'] });
