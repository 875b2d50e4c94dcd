// Prints the software bill of materials of a release, CycloneDX 1.5 as JSON: what the lockfile installs with the package.
//   SOURCE_DATE_EPOCH=SECONDS node scripts/sbom.mjs >portcullis-VERSION.cdx.json
// `npm sbom --omit dev` leaves out what development needs too, such as fast-jwt. So it is given a lockfile without the packages
// of development. It names the component after its folder, and adds the time and a random number: here they come from
// SOURCE_DATE_EPOCH and from the content, so the same commit yields the same bytes.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Bytes of the longest output of `npm sbom` that is read; it has some 1,000 a package. */
const MAX_BYTES = 16 * 1024 * 1024;

const epoch = process.env.SOURCE_DATE_EPOCH ?? '';
if (!/^\d{1,10}$/.test(epoch)) {
  process.stderr.write('sbom: SOURCE_DATE_EPOCH is missing; it is the time of the release, in seconds\n');
  process.exit(64);
}
const root = join(import.meta.dirname, '..');
const read = (name) => JSON.parse(readFileSync(join(root, name), 'utf8'));
const { devDependencies: _, scripts: __, ...manifest } = read('package.json');
const lock = read('package-lock.json');
lock.packages = Object.fromEntries(Object.entries(lock.packages).filter(([, { dev }]) => dev !== true));
delete lock.packages[''].devDependencies;

const work = mkdtempSync(join(tmpdir(), 'portcullis-sbom-'));
let bom;
try {
  const folder = join(work, manifest.name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
  const line = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only'];
  bom = JSON.parse(execFileSync('npm', line, { cwd: folder, encoding: 'utf8', maxBuffer: MAX_BYTES }));
} finally {
  rmSync(work, { recursive: true });
}
bom.metadata.timestamp = new Date(Number(epoch) * 1000).toISOString();
delete bom.serialNumber;
const hash = createHash('sha256').update(JSON.stringify(bom)).digest('hex');
// A UUID of version 8, RFC 9562, 5.8: all but six bits are free.
const parts = [hash.slice(0, 8), hash.slice(8, 12), `8${hash.slice(13, 16)}`, `8${hash.slice(17, 20)}`];
bom.serialNumber = `urn:uuid:${[...parts, hash.slice(20, 32)].join('-')}`;
process.stdout.write(`${JSON.stringify(bom, null, 2)}\n`);
