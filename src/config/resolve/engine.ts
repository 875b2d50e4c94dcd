import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { resolve as absolute } from 'node:path';
import type { Config } from '../config.ts';
import type { FileConfig } from '../schema/schema.ts';
import type { Findings } from './findings.ts';

/** Bytes of a binary: ten times the size of the engine. */
const MAX_BINARY = 64 * 1024 * 1024;

/** The binary of `uws:`. The loader checks its bytes again. */
export function resolveEngine(file: FileConfig, folder: string, findings: Findings): Config['uws'] {
  if (file.uws === undefined) return undefined;
  const { file: name, sha256 } = file.uws;
  if (name === undefined) findings.missing(['uws', 'file'], 'the path to a binary of uWebSockets.js');
  if (sha256 === undefined)
    findings.missing(['uws', 'sha256'], 'the SHA-256 of the file, 64 hexadecimal digits');
  if (name === undefined || sha256 === undefined) return undefined;
  const path = absolute(folder, name);
  const fault = faultOf(path, sha256);
  if (fault !== undefined) findings.fault(['uws', fault.key], fault.message);
  return { file: path, sha256 };
}

function faultOf(path: string, sha256: string): { key: 'file' | 'sha256'; message: string } | undefined {
  try {
    const { size } = statSync(path);
    if (size > MAX_BINARY) {
      return {
        key: 'file',
        message: `is larger than ${MAX_BINARY} bytes; must be a binary of uWebSockets.js`,
      };
    }
    const found = createHash('sha256').update(readFileSync(path)).digest('hex');
    if (found === sha256) return undefined;
    return { key: 'sha256', message: `is not that of the file; must be ${found} if that file is meant` };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return { key: 'file', message: `cannot be read (${code}); must be a readable file` };
  }
}
