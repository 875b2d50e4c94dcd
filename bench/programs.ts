import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Absolute path of a program in PATH or the system folders, where Debian keeps haproxy; undefined without one. */
export function findProgram(name: string): string | undefined {
  for (const folder of [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    '/sbin',
    '/usr/local/sbin',
  ]) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder; the next one may hold it.
    }
  }
  return undefined;
}
