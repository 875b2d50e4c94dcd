import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { ForeignLines } from '../../src/revocation/foreign-lines.ts';
import { RedisLink } from '../../src/revocation/redis.ts';
import { silentLog } from '../support/gateway.ts';
import { livesOf } from './support.ts';

test('a link that is closed before it begins to connect opens nothing and keeps no caller waiting', {
  timeout: 60_000,
}, async () => {
  const log = { ...silentLog, warn: () => assert.fail('nothing was tried') };
  const link = new RedisLink({
    url: 'redis://127.0.0.1:1',
    clock: systemClock,
    log,
    lines: new ForeignLines({ lives: livesOf(), clock: systemClock, log, secret: undefined }),
    entries: 1,
    known: () => [],
    onRevocations: () => true,
  });
  const opening = link.open();
  await link.close();
  await opening;
  assert.equal(link.inSync, false);
});
