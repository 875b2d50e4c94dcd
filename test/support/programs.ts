import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const debianPackages: Readonly<Record<string, string>> = {
  haproxy: 'haproxy',
  nginx: 'nginx-light',
  curl: 'curl',
};

/** Absolute path of a program, looked up in PATH and the system folders; undefined when it is missing. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];
  for (const folder of folders) {
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

/**
 * Test options for a test that runs a Debian program: skipped, with the line that installs it, where it is
 * missing. With PORTCULLIS_NO_SKIP=1 nothing is skipped, so the test fails instead.
 */
export function needs(name: string): { skip: string | false } {
  if (findProgram(name) !== undefined || process.env['PORTCULLIS_NO_SKIP'] === '1') return { skip: false };
  return { skip: `${name} is missing: apt-get install -y ${debianPackages[name] ?? name}` };
}
