import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

// Runs every micro-benchmark, or those whose name has one of the given words, each in its own process.

const words = process.argv.slice(2);
const helpers = ['run.js', 'timing.js', 'forged-shapes.js', 'signing.js'];
const files = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.js') && !helpers.includes(name))
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word)));
const failed = files.filter((name) => {
  process.stdout.write(`\n${name.slice(0, -'.js'.length)}\n`);
  return spawnSync(process.execPath, [join(import.meta.dirname, name)], { stdio: 'inherit' }).status !== 0;
});
if (files.length === 0) process.stderr.write(`no micro-benchmark matches ${words.join(' ')}\n`);
process.exit(files.length === 0 || failed.length > 0 ? 1 : 0);
