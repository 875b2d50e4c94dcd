import { FileOutlet } from '../../src/outlets/file-outlet.ts';

/** `fsize-writer FILE LINES`: writes lines of 100 bytes under a limit of the file's size, and reports what it has lost. */
const [, , file = '', count = '0'] = process.argv;
let lost = 0;
let failures = 0;
const outlet = new FileOutlet(file, {
  lost: (lines) => {
    lost += lines;
  },
  failed: () => {
    failures += 1;
  },
  recovered: () => {},
});
await outlet.open();
for (let at = 0; at < Number(count); at += 1) {
  outlet.write(`${String(at).padStart(99, '.')}\n`);
  // Each line is a write of its own.
  if (at % 3 === 0) await outlet.reopen();
}
await outlet.close();
process.send?.({ lost, failures }, () => process.disconnect());
