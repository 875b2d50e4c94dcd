import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export const root = join(import.meta.dirname, '..', '..', '..');

type Versions = Readonly<Record<string, string>>;
interface Manifest {
  readonly version: string;
  readonly dependencies: Versions;
  readonly devDependencies: Versions;
  readonly optionalDependencies: Versions;
  readonly overrides: Versions;
}

export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

export interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** Packs without the package's scripts, because these tests run from the built files. */
export async function pack(...args: string[]): Promise<Packed> {
  const line = ['pack', '--json', '--ignore-scripts', ...args];
  const { stdout } = await execute('npm', line, { cwd: root, maxBuffer: 8 * 1024 * 1024 });
  const [packed] = JSON.parse(stdout) as Packed[];
  if (packed === undefined) throw new Error(`npm pack has packed nothing: ${stdout}`);
  return packed;
}

/** Unpacks a tarball below `modules`, as `portcullis`, beside links to its dependencies alone. @returns its folder. */
export async function installPacked(tarball: string, modules: string): Promise<string> {
  const installed = join(modules, 'portcullis');
  mkdirSync(installed, { recursive: true });
  await execute('tar', ['-xf', tarball, '-C', installed, '--strip-components=1']);
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    linkModule(name, join(installed, 'node_modules'));
  }
  return installed;
}

/** Links a package of this project into a folder, if it is installed here. */
export function linkModule(name: string, modules: string): void {
  const [target, link] = [join(root, 'node_modules', name), join(modules, name)];
  mkdirSync(dirname(link), { recursive: true });
  if (existsSync(target)) symlinkSync(target, link);
}
