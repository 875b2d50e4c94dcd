import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Page } from './page.ts';

/** The package's folder is three above this file, which runs as `dist/src/admin/page-files.js`. */
const folder = new URL('../../../src/admin/page/', import.meta.url);
const require = createRequire(import.meta.url);

/** Only what this address serves may run or be shown, and nothing of it in another page. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const headers = {
  'content-security-policy': POLICY,
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const types = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
} as const;

/** The files of the page by path. The two of uPlot are those of its package. */
const files: readonly (readonly [path: string, file: string, type: keyof typeof types])[] = [
  ['/', own('index.html'), 'html'],
  ['/page/colours.css', own('colours.css'), 'css'],
  ['/page/page.css', own('page.css'), 'css'],
  ['/page/icon.svg', own('icon.svg'), 'svg'],
  ['/page/page.js', own('page.js'), 'js'],
  ['/page/stream.js', own('stream.js'), 'js'],
  ['/page/samples.js', own('samples.js'), 'js'],
  ['/page/charts.js', own('charts.js'), 'js'],
  ['/page/table.js', own('table.js'), 'js'],
  ['/page/tables.js', own('tables.js'), 'js'],
  ['/page/text.js', own('text.js'), 'js'],
  ['/page/uplot.js', require.resolve('uplot/dist/uPlot.iife.min.js'), 'js'],
  ['/page/uplot.css', require.resolve('uplot/dist/uPlot.min.css'), 'css'],
];

/** Reads the status page and its parts. Rejects with the system's error when one is missing. */
export async function readPageFiles(): Promise<ReadonlyMap<string, () => Page>> {
  const read = files.map(async ([path, file, type]): Promise<[string, () => Page]> => {
    const page = { status: 200, type: types[type], body: await readFile(file, 'utf8'), headers };
    return [path, () => page];
  });
  return new Map(await Promise.all(read));
}

function own(name: string): string {
  return fileURLToPath(new URL(name, folder));
}
