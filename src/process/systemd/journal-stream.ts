import { fstatSync } from 'node:fs';

/** Whether a descriptor is the stream that systemd made for its journal (systemd.exec(5), JOURNAL_STREAM). */
export function isJournal(env: NodeJS.ProcessEnv, descriptor = 1): boolean {
  const [, device, inode] = /^(\d+):(\d+)$/.exec(env['JOURNAL_STREAM'] ?? '') ?? [];
  if (device === undefined) return false;
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  return `${dev}` === device && `${ino}` === inode;
}
