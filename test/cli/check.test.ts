import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isVulnerable, nodeVersion } from '../../src/lib/node-version.ts';
import { Authority } from '../support/authority.ts';
import { run } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-check-'));
after(() => rmSync(folder, { recursive: true }));
const { cert, key } = new Authority('root').issue({ cn: 'a', names: ['a.example'] });
writeFileSync(join(folder, 'a.pem'), cert + key);

/** @param listen the list of addresses, lines of YAML. */
function write(listen: readonly string[], rest = ''): string {
  const file = join(folder, 'portcullis.yaml');
  const addresses = listen.map((address) => `  - ${address}\n`).join('');
  writeFileSync(file, `listen:\n${addresses}auth: none\nupstream: http://127.0.0.1:9\n${rest}`);
  return file;
}

/** What `auto` says where a binary of uWebSockets.js runs, and where none does. */
const AUTO =
  /^127\.0\.0\.1:8080 is served by engine (uws \(auto\)|node \(no uWebSockets\.js binary for Node\.js \d+ on \S+\)|node \(the uWebSockets\.js binary does not load: .+\))$/;

test('check prints what serves each address here, and why', async () => {
  const file = write([
    '127.0.0.1:8080',
    '{ address: 127.0.0.1:8081, engine: node }',
    '{ address: 127.0.0.1:8443, tls: { certificates: a.pem } }',
    '{ address: 127.0.0.1:8082, protocols: [h2c] }',
  ]);
  const { code, stdout, stderr } = await run(['check', file]);
  const [first, auto = '', ...others] = stdout.trimEnd().split('\n');
  assert.deepEqual([code, first], [0, `${file} is valid`]);
  assert.match(auto, AUTO);
  assert.deepEqual(others, [
    '127.0.0.1:8081 is served by engine node (engine: node)',
    '127.0.0.1:8443 is served by engine node (tls)',
    '127.0.0.1:8082 is served by engine node (h2c)',
  ]);
  const refusal = `warning: start is refused here: cannot serve 127.0.0.1:8443 with TLS: Node.js ${nodeVersion} has known holes in it`;
  assert.equal(stderr.includes(refusal), isVulnerable(nodeVersion), stderr);
});

test('check warns of a binary that does not load, and with --strict refuses it', async () => {
  const binary = join(folder, 'uws.node');
  writeFileSync(binary, '');
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  const file = write(
    ['127.0.0.1:8080', '{ address: 127.0.0.1:8081, engine: node }'],
    `uws: { file: ${binary}, sha256: ${empty} }\n`,
  );
  const { code, stdout, stderr } = await run(['check', file]);
  assert.deepEqual(
    [code, stdout],
    [0, `${file} is valid\n127.0.0.1:8081 is served by engine node (engine: node)\n`],
  );
  assert.match(
    stderr,
    /^warning: start is refused here: the front engine uWebSockets\.js has no binary here /m,
  );
  assert.equal((await run(['check', '--strict', file])).code, 78);
});
