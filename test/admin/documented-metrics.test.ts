import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startAdmin } from '../../src/admin/server.ts';
import { request } from '../support/wire.ts';
import { FakeView } from './fake-view.ts';

/** Names and types in the table of the documentation: `a_total`, `b_total` | counter. */
function documented(): ReadonlyMap<string, string> {
  const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'operations.md'), 'utf8');
  const rows = page.matchAll(/^\| (`[a-z_]+`.*?) \| (counter|gauge|histogram) \|/gm);
  return new Map(
    Array.from(rows).flatMap(([, names = '', type = '']) =>
      Array.from(names.matchAll(/`([a-z_]+)`/g), ([, name = '']): [string, string] => [name, type]),
    ),
  );
}

test('the documentation has every metric of the gateway with its type, and no other', async () => {
  const admin = await startAdmin({ host: '127.0.0.1', port: 0, hosts: ['admin'], view: new FakeView() });
  try {
    const port = Number(admin.address.slice(admin.address.lastIndexOf(':') + 1));
    const { body } = await request(port, 'GET /metrics HTTP/1.1\r\nHost: admin\r\n\r\n');
    const told = Array.from(
      body.matchAll(/^# TYPE portcullis_(\w+) (\w+)$/gm),
      ([, name = '', type = '']): [string, string] => [name, type],
    );
    assert.ok(told.length > 20);
    assert.deepEqual(new Map([...documented()].sort()), new Map(told.sort()));
  } finally {
    await admin.close();
  }
});
