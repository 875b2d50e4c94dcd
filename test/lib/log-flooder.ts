import { createLog } from '../../src/lib/log.ts';

/** `log-flooder WRITER LINES`: writes lines of up to 3 KiB, each of which names its writer. */
const writer = Number(process.argv[2]);
const log = createLog({ level: 'info', listener: writer });
for (let at = 0; at < Number(process.argv[3]); at += 1) {
  log.info({ text: String(writer).repeat((at * 97) % 3000) }, 'line');
}
