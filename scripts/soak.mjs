// Runs mixed traffic against a gateway while it is reloaded, rolled and killed: node scripts/soak.mjs [--seconds N]
// [--seed N] [--clients N] [--engine uws|node] [--tunnels N] [--tls] [--snapshot]
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const run = join(import.meta.dirname, '..', 'dist', 'test', 'soak', 'run.js');
const { status, signal } = spawnSync(
  process.execPath,
  ['--enable-source-maps', run, ...process.argv.slice(2)],
  {
    stdio: 'inherit',
  },
);
if (signal !== null) process.stderr.write(`soak: ended by ${signal}\n`);
process.exit(status ?? 70);
