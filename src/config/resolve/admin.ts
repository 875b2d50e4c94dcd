import { resolve as absolute } from 'node:path';
import type { AdminAddress } from '../config.ts';
import { secretHint } from '../schema/revocation.ts';
import type { FileConfig } from '../schema/schema.ts';
import type { Findings } from './findings.ts';
import { checkSocketPath } from './listen.ts';
import { MIN_SECRET } from './revocation.ts';

export function resolveAdmin({ admin: file }: FileConfig, folder: string, findings: Findings): AdminAddress {
  const admin = 'path' in file ? { ...file, path: absolute(folder, file.path) } : file;
  checkSocketPath(admin, ['admin'], findings);
  if (admin.secret !== undefined && admin.secret.length < MIN_SECRET) {
    findings.fault(['admin', 'secret'], `is short enough to be guessed; must be ${secretHint}`);
  }
  return admin;
}
