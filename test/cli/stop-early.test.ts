import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { start } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));

test('SIGTERM ends a start that waits for something', async () => {
  // A Redis that accepts the connection and never sends a byte.
  const redis = createServer();
  const connected = once(redis, 'connection') as Promise<[Socket]>;
  redis.listen(0, '127.0.0.1');
  await once(redis, 'listening');
  const { port } = redis.address() as AddressInfo;
  const file = join(folder, 'portcullis.yaml');
  writeFileSync(
    file,
    `listen: 127.0.0.1:0
admin: 127.0.0.1:0
upstream: http://127.0.0.1:9
auth: none
verifiers: 0
revocation: { redis: "redis://127.0.0.1:${port}" }
`,
  );
  const { child, ended } = start(['start', '--config', file]);
  const [socket] = await connected;
  child.kill('SIGTERM');
  const { code, stdout } = await ended;
  assert.equal(code, 0, stdout);
  assert.doesNotMatch(stdout, /"(serving|ready)"/);
  socket.destroy();
  redis.close();
});
