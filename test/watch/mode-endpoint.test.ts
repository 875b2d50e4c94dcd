import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ModeEndpoint } from '../../src/watch/mode-endpoint.ts';

const calls: string[] = [];
const endpoint = new ModeEndpoint(async (upstream, server, mode) => {
  calls.push(`${upstream} ${server} ${mode}`);
  return upstream === 'app' ? [server] : undefined;
});

const answer = (below: string, body: unknown) =>
  endpoint.answer({}, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), below);

describe('POST /upstreams/NAME/servers/ADDRESS', () => {
  test('sets the mode of the server that the path names', async () => {
    for (const [below, server] of [
      ['app/servers/10.0.0.1:80', '10.0.0.1:80'],
      ['app/servers/10.0.0.1%3A80', '10.0.0.1:80'],
      ['app/servers/[::1]:80', '[::1]:80'],
      ['app/servers/%5B::1%5D:80', '[::1]:80'],
      ['app/servers/unix:/run/app.sock', 'unix:/run/app.sock'],
      ['app/servers/unix:%2Frun%2Fapp.sock', 'unix:/run/app.sock'],
    ] as const) {
      for (const state of ['ready', 'drain', 'down']) {
        assert.deepEqual(await answer(below, { state }), {
          status: 200,
          body: { upstream: 'app', state, servers: [server] },
        });
        assert.equal(calls.pop(), `app ${server} ${state}`);
      }
    }
  });

  test('knows no other path', async () => {
    for (const below of [
      '',
      'app',
      'app/',
      'app/servers',
      'app/servers/',
      'app/servers//run/app',
      'app/server/10.0.0.1:80',
      '/servers/10.0.0.1:80',
      'a/b/servers/10.0.0.1:80',
      'app/servers/%ff',
      '%/servers/10.0.0.1:80',
    ]) {
      assert.equal((await answer(below, { state: 'down' })).status, 404, below);
    }
    assert.deepEqual(calls, []);
    assert.equal((await answer('other/servers/10.0.0.1:80', { state: 'down' })).status, 404);
    assert.deepEqual(calls.splice(0), ['other 10.0.0.1:80 down']);
  });

  test('takes no other body', async () => {
    for (const body of [
      '',
      '{',
      'null',
      '"down"',
      ['down'],
      {},
      { state: 'up' },
      { state: 'DOWN' },
      { state: ['down'] },
      { state: null },
      { state: 'down', weight: 1 },
      { mode: 'down' },
    ]) {
      assert.equal((await answer('app/servers/10.0.0.1:80', body)).status, 400, JSON.stringify(body));
    }
    assert.deepEqual(calls, []);
  });
});
