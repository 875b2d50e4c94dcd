import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StartError } from '../../lib/start-error.ts';

/** A binary of the front engine, and the SHA-256 of its bytes in hexadecimal. */
export interface EngineFile {
  readonly file: string;
  readonly sha256: string;
}

interface KnownEngine {
  readonly version: string;
  readonly sha256: string;
}

/** The binaries that this release is tested with, by package. Must change together with the dependency. */
const known: Readonly<Record<string, KnownEngine>> = {
  '@uwsjs/linux-x64-20': {
    version: '20.51.4',
    sha256: '4d482084b665c225892917ee0e9b9572d89eaa6f3dc200ff5e536293d3456c89',
  },
  '@uwsjs/linux-x64-22': {
    version: '20.51.4',
    sha256: 'f687e7c3666b5cca9d355184bbf07bb0550f5ba0d3ffd453248ccfec552dde6c',
  },
  '@uwsjs/linux-x64-24': {
    version: '20.69.0',
    sha256: '177efdc682425d754474bd30f9586c487fa6694f790f3406a23885d0e61c07a0',
  },
  '@uwsjs/linux-x64-26': {
    version: '20.69.0',
    sha256: '604375741bf77780b34e7e299af9274cb1f56d73732201d19e3d8d8448176795',
  },
};
const BINARY = 'uws.node';

/**
 * Finds the binary to load: the configured file, or the file of the platform package in the tree that npm made for this
 * package. Searches nowhere else: a package in a parent folder, in NODE_PATH or in a home folder is not trusted.
 * @returns its path; undefined when the tree has none for this platform and Node.js.
 * @throws StartError when its bytes are not the expected ones.
 */
export function engineFile(chosen: EngineFile | undefined): string | undefined {
  if (chosen !== undefined) {
    assertBytes(chosen, 'uws.sha256 of the configuration');
    return chosen.file;
  }
  const name = `@uwsjs/${process.platform}-${process.arch}-${process.versions.node.split('.')[0]}`;
  const expected = known[name];
  if (expected === undefined) return undefined;
  const { version, sha256 } = expected;
  const folder = ownFolders()
    .map((modules) => join(modules, name))
    .find((path) => existsSync(join(path, BINARY)));
  if (folder === undefined) return undefined;
  const found = versionOf(folder);
  if (found !== version) {
    throw new StartError(
      `the front engine in ${folder} is version ${found}, where this release is made for ${version}: run npm ci`,
    );
  }
  assertBytes({ file: join(folder, BINARY), sha256 }, `version ${version}`);
  return join(folder, BINARY);
}

/** Folders in which npm puts the dependencies of this package: below it, or beside it if packages share them. */
function ownFolders(): readonly string[] {
  let root = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(root, 'package.json'))) {
    if (dirname(root) === root) return [];
    root = dirname(root);
  }
  const parent = dirname(root);
  const shared = [parent, dirname(parent)].find((path, up) => {
    return basename(path) === 'node_modules' && (up === 0 || basename(parent).startsWith('@'));
  });
  return [join(root, 'node_modules'), ...(shared === undefined ? [] : [shared])];
}

function versionOf(folder: string): string {
  try {
    return String(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version);
  } catch {
    return 'unknown';
  }
}

function assertBytes({ file, sha256 }: EngineFile, whose: string): void {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new StartError(
      `the front engine ${file} cannot be read (${(error as NodeJS.ErrnoException).code}): name a file that this user can read`,
      { cause: error },
    );
  }
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== sha256) {
    throw new StartError(
      `the front engine ${file} is not loaded: its SHA-256 is ${found}, and that of ${whose} is ${sha256}; ` +
        'run npm ci, or name a file that you trust and its SHA-256 with uws:',
    );
  }
}
