import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { installPacked, linkModule, pack, root } from './pack.ts';

const program = `import { type ConfigObject, ConfigError, createGateway, type Gateway, type Log, StartError } from 'portcullis';

const config: ConfigObject = { listen: '127.0.0.1:0', upstream: 'http://127.0.0.1:9000', auth: 'none', shutdown: { grace: '5s' } };
const log: Log | undefined = undefined;
export const gateway: Gateway = createGateway(config);
export async function serve(): Promise<number> {
  try {
    await gateway.start();
    await gateway.reload({ ...config, limits: { connections: 10 } });
    const [address]: readonly string[] = gateway.addresses.listen;
    console.log(address, log);
  } catch (error) {
    if (error instanceof ConfigError) console.log(error.faults.map(({ path, message }) => path + message));
    if (error instanceof StartError) console.log(error.message);
  }
  return gateway.close({ grace: '5s' });
}
`;

/** Each is refused by the types, at the line below the comment. */
const faults = `import { createGateway } from 'portcullis';

// @ts-expect-error: an unknown key
createGateway({ upstream: 'http://127.0.0.1:9000', auth: 'none', upstreem: 'x' });
// @ts-expect-error: a truth value where a number is wanted
createGateway({ upstream: 'http://127.0.0.1:9000', auth: 'none', limits: { connections: true } });
// @ts-expect-error: a name that is not exported
import { createGatewayy } from 'portcullis';
// @ts-expect-error: what is inside the package stays there
import 'portcullis/dist/src/gateway/gateway.js';
`;

describe('the types of the library, for a program that installs the package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-types-'));
  before(async () => {
    const { filename } = await pack('--pack-destination', folder);
    const modules = join(folder, 'node_modules');
    await installPacked(join(folder, filename), modules);
    linkModule('@types/node', modules);
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'program.ts'), program);
    writeFileSync(join(folder, 'faults.ts'), faults);
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const [module, resolution] of [
    ['node16', 'node16'],
    ['esnext', 'bundler'],
  ]) {
    test(`compile with moduleResolution ${resolution}, every declaration checked`, async () => {
      const how = ['--module', module, '--moduleResolution', resolution, '--target', 'es2022'] as string[];
      const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false'];
      const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
      const line = [tsc, ...how, ...strict, '--types', 'node', 'program.ts', 'faults.ts'];
      const errors = await promisify(execFile)(process.execPath, line, { cwd: folder }).then(
        () => '',
        ({ stdout }: { stdout: string }) => stdout,
      );
      assert.equal(errors, '');
    });
  }
});
