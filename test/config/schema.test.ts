import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { jsonSchema } from '../../src/config/schema/schema.ts';
import { faultsOf, fixtures } from './check.ts';

type Node = Readonly<Record<string, unknown>>;

const annotations = ['$schema', 'title', 'description', 'default', 'examples'];

function typeOf(value: unknown): readonly string[] {
  if (value === null) return ['null'];
  if (Array.isArray(value)) return ['array'];
  if (typeof value === 'number') return Number.isInteger(value) ? ['integer', 'number'] : ['number'];
  return [typeof value];
}

/** Whether a value is valid by the part of JSON Schema 2020-12 that the schema uses; throws on any other keyword. */
function accepts(node: Node, value: unknown): boolean {
  const members = typeOf(value).includes('object') ? Object.entries(value as object) : [];
  const properties = (node['properties'] ?? {}) as Readonly<Record<string, Node>>;
  return Object.entries(node).every(([keyword, rule]) => {
    switch (keyword) {
      case 'type':
        return typeOf(value).includes(rule as string);
      case 'anyOf':
        return (rule as Node[]).some((branch) => accepts(branch, value));
      case 'oneOf':
        return (rule as Node[]).filter((branch) => accepts(branch, value)).length === 1;
      case 'enum':
        return (rule as unknown[]).includes(value);
      case 'const':
        return rule === value;
      case 'pattern':
        return typeof value !== 'string' || new RegExp(rule as string, 'u').test(value);
      case 'minLength':
        return typeof value !== 'string' || value.length >= (rule as number);
      case 'minimum':
        return typeof value !== 'number' || value >= (rule as number);
      case 'maximum':
        return typeof value !== 'number' || value <= (rule as number);
      case 'minItems':
        return !Array.isArray(value) || value.length >= (rule as number);
      case 'maxItems':
        return !Array.isArray(value) || value.length <= (rule as number);
      case 'items':
        return !Array.isArray(value) || value.every((item) => accepts(rule as Node, item));
      case 'required':
        return (rule as string[]).every((name) => members.some(([key]) => key === name));
      case 'properties':
        return members.every(([key, member]) => !properties[key] || accepts(properties[key], member));
      case 'propertyNames':
        return members.every(([key]) => accepts(rule as Node, key));
      case 'additionalProperties':
        return members.every(
          ([key, member]) => key in properties || (rule === false ? false : accepts(rule as Node, member)),
        );
      default:
        assert.ok(annotations.includes(keyword), `keyword ${keyword}`);
        return true;
    }
  });
}

const schema = jsonSchema() as Node;
const read = (name: string): string => readFileSync(join(fixtures, name), 'utf8');

test('the schema is a closed JSON Schema with a text for every key', () => {
  assert.equal(schema['$schema'], 'https://json-schema.org/draft/2020-12/schema');
  assert.equal(schema['additionalProperties'], false);
  assert.deepEqual(JSON.parse(JSON.stringify(schema)), schema);
  for (const [key, node] of Object.entries(schema['properties'] as Readonly<Record<string, Node>>)) {
    const isSection = node['type'] === 'object' && 'properties' in node;
    assert.ok(isSection || typeof node['description'] === 'string', key);
  }
});

test('the schema accepts the documented files, and refuses unknown keys', () => {
  for (const name of ['documented.yaml', 'documented-later.yaml']) {
    assert.equal(accepts(schema, parse(read(name))), true, name);
  }
  for (const text of [
    'upstream: http://h',
    'listen: 127.0.0.1:1\nunknown: 1',
    'listen: 127.0.0.1:1\nrejection: nginx',
    'listen: 127.0.0.1:1\ncache: { bytes: 1GB }',
    'listen: 127.0.0.1:1\nissuers: { a: { issuer: x } }',
    'listen: 127.0.0.1:1\nroutes: []',
    'listen: 127.0.0.1:1\nroutes: [{ match: { path: / } }]',
  ]) {
    assert.equal(accepts(schema, parse(text)), false, text);
  }
});

test('the defaults in the schema are those of the gateway', () => {
  const defaults: Record<string, unknown> = { listen: '127.0.0.1:0', auth: 'none', upstream: 'http://h' };
  for (const [key, node] of Object.entries(schema['properties'] as Readonly<Record<string, Node>>)) {
    if (!('default' in node)) continue;
    const inner = Object.entries((node['properties'] ?? {}) as Readonly<Record<string, Node>>);
    const members = inner.filter(([, member]) => 'default' in member);
    defaults[key] =
      members.length === 0
        ? node['default']
        : Object.fromEntries(members.map(([name, member]) => [name, member['default']]));
  }
  assert.deepEqual(Object.keys(defaults).length > 10, true);
  assert.equal(accepts(schema, defaults), true);
  assert.deepEqual(faultsOf(JSON.stringify(defaults)), []);
});
