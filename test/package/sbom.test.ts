import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { manifest, root } from './pack.ts';

interface Component {
  readonly name: string;
  readonly version: string;
  readonly hashes?: readonly { readonly content: string }[];
}
interface Bom {
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp: string; readonly component: Component };
  readonly components: readonly Component[];
}

async function makeSbom(epoch: string): Promise<string> {
  const env = { ...process.env, SOURCE_DATE_EPOCH: epoch };
  const line = [join(root, 'scripts', 'sbom.mjs')];
  return (await promisify(execFile)(process.execPath, line, { env, maxBuffer: 16 * 1024 * 1024 })).stdout;
}

describe('the bill of materials', () => {
  let text: string;
  let bom: Bom;
  before(async () => {
    text = await makeSbom('1700000000');
    bom = JSON.parse(text) as Bom;
  });

  test('is valid by the strict schema of CycloneDX 1.5', async () => {
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot5);
    assert.equal(await validator.validate(text), null);
    const broken = JSON.stringify({ ...bom, components: [{ name: 'x' }] });
    assert.notEqual(await validator.validate(broken), null);
  });

  test('names this release, its time, and a number that only its content decides', async () => {
    const { timestamp, component } = bom.metadata;
    assert.deepEqual([component.name, component.version], ['portcullis', manifest.version]);
    assert.equal(timestamp, '2023-11-14T22:13:20.000Z');
    assert.equal(await makeSbom('1700000000'), text);
    const later = JSON.parse(await makeSbom('1700000001')) as Bom;
    assert.notEqual(later.serialNumber, bom.serialNumber);
  });

  test('lists what the lockfile installs with the package, with the hash of each, and nothing else', () => {
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Readonly<Record<string, { version: string; dev?: boolean }>>;
    };
    const installed = Object.entries(packages)
      .filter(([path, { dev }]) => path !== '' && dev !== true)
      .map(([path, { version }]) => `${path.replace(/^.*node_modules\//, '')}@${version}`);
    const listed = bom.components.map(({ name, version }) => `${name}@${version}`);
    assert.deepEqual(listed.sort(), [...new Set(installed)].sort());
    assert.deepEqual(
      bom.components.filter(({ hashes }) => hashes?.[0]?.content.length !== 128),
      [],
    );
  });

  test('is refused without the time of the release', async () => {
    await assert.rejects(makeSbom(''), /SOURCE_DATE_EPOCH is missing/);
  });
});
