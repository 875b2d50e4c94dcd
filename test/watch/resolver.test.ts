import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SystemResolver } from '../../src/watch/resolver.ts';
import { DnsServer } from './dns-server.ts';

let dns: DnsServer;
let resolver: SystemResolver;
before(async () => {
  dns = await DnsServer.start();
  resolver = new SystemResolver([dns.address]);
});
after(() => dns.close());

test('addresses are those that the system knows, of the hosts file too', async () => {
  const found = await resolver.addresses('localhost');
  assert.ok(found.length > 0);
  for (const address of found) assert.match(address, /^(127\.0\.0\.1|::1)$/);
  // Reserved for names that do not exist (RFC 6761 §6.4).
  await assert.rejects(resolver.addresses('portcullis.invalid'), { syscall: 'getaddrinfo' });
});

test('the TTL is the shortest one of the records, if they are the same addresses', async () => {
  dns.records = {
    both: [
      { address: '10.0.0.1', ttl: 30 },
      { address: '10.0.0.2', ttl: 20 },
      { address: '2001:db8::1', ttl: 10 },
    ],
    one: [{ address: '10.0.0.1', ttl: 0 }],
    none: [],
  };
  for (const [host, addresses, wanted] of [
    ['both', ['2001:db8::1', '10.0.0.2', '10.0.0.1'], 10],
    ['one', ['10.0.0.1'], 0],
    ['one', ['10.0.0.1', '10.0.0.1'], 0],
    // The hosts file, or a balancer that shows a part each time, says something else.
    ['both', ['10.0.0.1', '10.0.0.2'], undefined],
    ['one', ['10.0.0.1', '10.0.0.2'], undefined],
    ['one', ['10.0.0.2'], undefined],
    ['none', ['10.0.0.1'], undefined],
    ['unknown', ['10.0.0.1'], undefined],
  ] as const) {
    assert.equal(await resolver.timeToLive(host, addresses), wanted, `${host} ${addresses}`);
  }
});

test('a name server that does not answer costs nothing but the TTL', async () => {
  const silent = new SystemResolver(['127.0.0.1:9']);
  assert.equal(await silent.timeToLive('one', ['10.0.0.1']), undefined);
});
