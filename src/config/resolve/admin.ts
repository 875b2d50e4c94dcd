import type { AdminAddress } from '../config.ts';
import { secretHint } from '../schema/revocation.ts';
import type { FileConfig } from '../schema/schema.ts';
import type { Findings } from './findings.ts';
import { MIN_SECRET } from './revocation.ts';

export function resolveAdmin({ admin }: FileConfig, findings: Findings): AdminAddress {
  if (admin.secret !== undefined && admin.secret.length < MIN_SECRET) {
    findings.fault(['admin', 'secret'], `is short enough to be guessed; must be ${secretHint}`);
  }
  return admin;
}
