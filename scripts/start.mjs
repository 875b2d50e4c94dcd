// npm start: builds the program from its sources, with a message, then runs the demo with the given options.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..');
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const program = join(root, 'dist', 'src', 'main.js');
/** Milliseconds between two signs of life during the compilation. */
const SIGN_MS = 500;

if (!existsSync(compiler)) {
  process.stderr.write('portcullis: the packages it is built with are missing; run npm ci first\n');
  process.exit(69);
}

process.stdout.write('portcullis: building from its sources, some seconds ');
const began = performance.now();
const signs = setInterval(() => process.stdout.write('.'), SIGN_MS);
// Only the program: a start needs neither the tests nor the benchmark.
const build = spawn(process.execPath, [compiler, '-p', join(root, 'tsconfig.src.json')], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
});
let faults = '';
build.stdout.on('data', (bytes) => {
  faults += bytes;
});
const [status] = await once(build, 'close');
clearInterval(signs);
const seconds = ((performance.now() - began) / 1000).toFixed(1);
if (status !== 0) {
  process.stdout.write(` failed after ${seconds} s\n${faults}`);
  process.exit(70);
}
// As npm run build does, because npx runs it as a program.
chmodSync(program, 0o755);
process.stdout.write(` built in ${seconds} s\nportcullis: starting the demo\n`);

// In this process, so that a signal for npm start reaches the program.
process.argv = [process.argv[0], program, 'demo', ...process.argv.slice(2)];
await import(pathToFileURL(program).href);
