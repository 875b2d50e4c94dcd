import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { findProgram } from '../../bench/programs.ts';

const project = join(import.meta.dirname, '..', '..', '..');

const upstream = `import { createServer } from 'node:http';
createServer((request, response) => response.end(request.url + ' for ' + request.headers['x-forwarded-for']))
  .listen(9000, '127.0.0.1');
`;
const get = `const [url, secret] = process.argv.slice(2);
const answer = await fetch(url, { headers: secret ? { authorization: secret } : {} });
console.log(answer.status + ' ' + (await answer.text()));
`;

/**
 * Fills a folder with all that a machine without network needs to install a release: `release.tgz`, Node.js and npm in
 * `bin`, npm's cache with the packages, and two small programs, an upstream and a client.
 */
export function fillShare(share: string): void {
  const pack = join(share, 'pack');
  mkdirSync(pack);
  const { files } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { files: string[] };
  for (const file of ['package.json', 'README.md', ...files]) {
    if (file === 'npm-shrinkwrap.json') continue; // Made below.
    cpSync(join(project, file), join(pack, file), { recursive: true });
  }
  // As prepack does; the build exists.
  copyFileSync(join(project, 'package-lock.json'), join(pack, 'npm-shrinkwrap.json'));
  npm(pack, ['pack', '--ignore-scripts', '--silent']);
  const { version } = JSON.parse(readFileSync(join(pack, 'package.json'), 'utf8')) as { version: string };
  copyFileSync(join(pack, `portcullis-${version}.tgz`), join(share, 'release.tgz'));
  npm(pack, [
    'ci',
    '--omit=dev',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--cache',
    join(share, 'cache'),
  ]);

  const bin = join(share, 'bin');
  mkdirSync(bin);
  copyFileSync(process.execPath, join(bin, 'node'));
  cpSync(join(dirname(realpathSync(findProgram('npm') as string)), '..'), join(share, 'npm'), {
    recursive: true,
  });
  const registry = npm(pack, ['config', 'get', 'registry']).trim();
  const settings = `npm_config_offline=true npm_config_cache=/srv/cache npm_config_registry=${registry}`;
  write(join(bin, 'npm'), `#!/bin/sh\n${settings} exec /srv/bin/node /srv/npm/bin/npm-cli.js "$@"\n`);
  write(join(share, 'upstream.mjs'), upstream);
  write(join(share, 'get.mjs'), get);
  for (const script of ['install', 'uninstall']) {
    copyFileSync(join(project, 'scripts', script), join(share, script));
  }
}

function write(file: string, text: string): void {
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

function npm(cwd: string, args: readonly string[]): string {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
