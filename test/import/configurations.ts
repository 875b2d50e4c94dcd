import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The tests run from `dist`; the files stand beside their sources. */
const folder = join(import.meta.dirname.replace('/dist/', '/'), 'configurations');

/** The configurations of HAProxy, by name. */
export function configurations(): readonly { readonly name: string; readonly text: string }[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.cfg'))
    .map((name) => ({ name: name.slice(0, -4), text: readFileSync(join(folder, name), 'utf8') }));
}
