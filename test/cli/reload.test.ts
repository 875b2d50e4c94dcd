import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Origin } from '../support/origin.ts';
import { request } from '../support/wire.ts';
import { start } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));

test('SIGHUP applies a good file; it reports a bad one and leaves the old one in force', async () => {
  const origin = await Origin.start();
  origin.serve(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const file = join(folder, 'portcullis.yaml');
  const text = (more: string): string => `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nverifiers: 0\n${more}`;
  const route = (path: string): string =>
    `routes: [{ match: { path: ${path} }, auth: none, upstream: "http://127.0.0.1:${origin.port}" }]\n`;
  writeFileSync(file, text(route('/a')));
  const gateway = start(['start', '--config', file]);
  try {
    const [, digits] = /127\.0\.0\.1:(\d+)/.exec(await gateway.printed(/"ready"/)) ?? [];
    const statusOf = async (path: string): Promise<number> =>
      (await request(Number(digits), `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)).status;
    assert.deepEqual([await statusOf('/a'), await statusOf('/b')], [200, 404]);

    writeFileSync(file, text(route('/b')));
    gateway.child.kill('SIGHUP');
    await gateway.printed(/"message":"the configuration was reloaded"/);
    assert.deepEqual([await statusOf('/a'), await statusOf('/b')], [404, 200]);

    writeFileSync(file, text(`relm: x\n${route('nowhere')}`));
    gateway.child.kill('SIGHUP');
    const faults = await gateway.printed(/"message":"the configuration was not reloaded: it has faults/);
    assert.match(faults, /portcullis\.yaml:4:1: relm: is not a known key/);
    assert.match(faults, /portcullis\.yaml:5:\d+: routes\[0\]\.match\.path: does not start with \//);
    assert.equal(await statusOf('/b'), 200);

    writeFileSync(file, text(`limits: { requestHead: 8KiB }\n${route('/c')}`));
    gateway.child.kill('SIGHUP');
    const fixed = await gateway.printed(/"message":"the configuration was not reloaded; the old one stays"/);
    assert.match(fixed, /"why":"limits\.requestHead cannot change while the gateway runs; restart it"/);
    assert.equal(await statusOf('/b'), 200);

    rmSync(file);
    gateway.child.kill('SIGHUP');
    await gateway.printed(/"faults":\["the configuration file [^"]* does not exist/);
    assert.equal(await statusOf('/b'), 200);
  } finally {
    gateway.child.kill('SIGTERM');
    const { code, stderr } = await gateway.ended;
    await origin.close();
    assert.deepEqual([code, stderr], [0, '']);
  }
});
