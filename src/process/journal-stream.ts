import { fstatSync } from 'node:fs';

/** Whether standard output is the stream that systemd made for its journal (systemd.exec(5), JOURNAL_STREAM). */
export function isJournal(env: NodeJS.ProcessEnv): boolean {
  const [, device, inode] = /^(\d+):(\d+)$/.exec(env['JOURNAL_STREAM'] ?? '') ?? [];
  if (device === undefined) return false;
  const { dev, ino } = fstatSync(1, { bigint: true });
  return `${dev}` === device && `${ino}` === inode;
}
