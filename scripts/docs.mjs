// npm run docs: writes the parts of the documentation that come from the program. With --check it names the
// differences, and fails.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonSchema } from '../dist/src/config/schema/schema.js';

const root = join(import.meta.dirname, '..');
const read = (path) => readFileSync(join(root, path), 'utf8');

/** The page with new text between the markers of one generated part. */
function withPart(page, name, text) {
  const [start, end] = [`<!-- generated: ${name} -->\n`, `<!-- /generated: ${name} -->`];
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the markers of the part ${name} are missing`);
  return `${page.slice(0, from + start.length)}\n${text}\n${page.slice(to)}`;
}

/** The keys of a mapping in all its forms: alone, in a list, or as one of several. */
function keysOf(node) {
  const keys = new Map(Object.entries(node.properties ?? {}));
  for (const form of [...(node.anyOf ?? []), ...(node.items === undefined ? [] : [node.items])]) {
    for (const [key, member] of keysOf(form)) if (!keys.has(key)) keys.set(key, member);
  }
  return keys;
}

/** Whether the keys are only those of a list's entries. */
const isList = (node) =>
  node.items !== undefined ||
  (node.anyOf?.some((form) => form.items?.properties !== undefined) === true &&
    node.anyOf.every((form) => form.properties === undefined));

function requiredKeys(node) {
  const forms = [node, node.items, ...(isList(node) ? (node.anyOf ?? []).map(({ items }) => items) : [])];
  return new Set(forms.flatMap((form) => form?.required ?? []));
}

const code = (value) => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
/** Plain text in a cell of a table. */
const cell = (text) => text.replaceAll('|', '\\|').replaceAll('*', '\\*').replaceAll('<', '\\<');

function valuesOf(node) {
  if (node.enum !== undefined) return node.enum.map(code).join(', ');
  if (node.type === 'boolean') return '`true`, `false`';
  // The units of durations, sizes and rates stand once, at the top of the page.
  if (node.title !== undefined) return cell(node.title.replace(/, such as (250ms|16KiB|1KiB\/s).*$/, ''));
  return 'a mapping';
}

function defaultOf(node, isRequired) {
  if (isRequired) return 'required';
  if (node.default !== undefined && JSON.stringify(node.default) !== '{}') {
    const list = Array.isArray(node.default) ? `[${node.default.join(', ')}]` : node.default;
    return code(list);
  }
  const [, named] = /^(\S+) by default\. /.exec(node.description ?? '') ?? [];
  return named === undefined ? '' : code(named);
}

function table(keys, required) {
  const rows = [...keys].map(([key, node]) => {
    // Stars stand for themselves in code, and nowhere else in a description.
    const text = (node.description ?? '').replace(/^\S+ by default\. /, '').replaceAll('|', '\\|');
    return `| \`${key}\` | ${valuesOf(node)} | ${defaultOf(node, required.has(key))} | ${text} |`;
  });
  return ['| key | value | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** One section for each mapping, in the order in which the file has them. */
function* sections(node, path) {
  const keys = keysOf(node);
  const described = [...keys].filter(([, member]) => member.description !== undefined);
  if (described.length > 0) {
    const heading = path === '' ? '### The top of the file' : `### \`${path}\``;
    const text = path === '' || node.description === undefined ? '' : `${node.description}\n\n`;
    yield `${heading}\n\n${text}${table(described, requiredKeys(node))}\n`;
  }
  for (const [key, member] of keys) {
    yield* sections(member, `${path === '' ? '' : `${path}.`}${key}${isList(member) ? '[]' : ''}`);
  }
  for (const form of [node, ...(node.anyOf ?? [])]) {
    if (typeof form.additionalProperties === 'object') {
      yield* sections(form.additionalProperties, `${path}.NAME`);
    }
  }
}

const schema = jsonSchema();
const page = 'docs/configuration.md';
const example = `\`\`\`yaml\n${read('scripts/portcullis.example.yaml')}\`\`\`\n`;
const files = new Map([
  ['portcullis.schema.json', `${JSON.stringify(schema, undefined, 2)}\n`],
  [page, withPart(withPart(read(page), 'example', example), 'keys', [...sections(schema, '')].join('\n'))],
]);

const differing = [...files].filter(([path, text]) => {
  try {
    return read(path) !== text;
  } catch {
    return true;
  }
});
if (process.argv.includes('--check')) {
  for (const [path] of differing)
    process.stderr.write(`${path} differs from the program; run npm run docs\n`);
  process.exitCode = differing.length === 0 ? 0 : 1;
} else {
  for (const [path, text] of differing) writeFileSync(join(root, path), text);
}
