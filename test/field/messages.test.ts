// Source: a newcomer with a fresh clone: messages that named what follows from a slip and not the slip.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, test } from 'node:test';
import { whyNotBound } from '../../src/front/uws/missing-errno.ts';
import { faultsOf } from '../config/check.ts';

const head = 'listen: 127.0.0.1:8080\n';
const route = 'auth: none\nupstream: http://h:1\n';
const issuer = (text: string): string =>
  `${head}upstream: http://h:1\nissuers:\n  app:\n    issuer: https://idp\n${text}`;
const keys = (text: string): string =>
  issuer(`    audience: x\n    algorithms: [RS256]\n    keys: { ${text} }\n`);

describe('a message has the right form, and is the only one', () => {
  for (const [what, text, fault] of [
    [
      'an upstream without scheme',
      `${head}auth: none\nupstream: 127.0.0.1:9000\n`,
      'f:3:11: upstream: "127.0.0.1:9000" has no scheme; must have http:// before it',
    ],
    [
      'a server without scheme',
      `${head}upstreams: { a: { servers: ["localhost:9000"] } }\nroutes: [{ match: {}, auth: none, upstream: a }]\n`,
      'f:2:29: upstreams.a.servers[0]: "localhost:9000" has no scheme; must have http:// before it',
    ],
    [
      'statistics',
      `${head}${route}stats: 127.0.0.1:1\n`,
      'f:4:1: stats: is not a known key; there is no statistics page: see admin, whose address has metrics and status',
    ],
    [
      'a word for a number',
      `${head}${route}listeners: two\n`,
      'f:4:12: listeners: "two" does not fit; must be auto or a whole number from 1 to 64',
    ],
    ...['jwks_uri', 'jwksUrl', 'jwks_url'].map(
      (key) =>
        [
          key,
          keys(`${key}: https://idp/jwks.json`),
          `f:8:13: issuers.app.keys.${key}: is not a known key; must be jwks if that is meant`,
        ] as const,
    ),
    [
      'a provider without scheme',
      keys('discovery: idp.example.com'),
      'f:8:24: issuers.app.keys.discovery: has no scheme; must have https:// before it',
    ],
    [
      'an open quote',
      `${head}auth: "none\nupstream: http://h:1\n`,
      'f:2:7: yaml: opens a quote that is not closed; must have its closing quote on this line',
    ],
    [
      'keys beside the names',
      issuer('    audience: x\n  algorithms: [RS256]\n  keys: { pem: public-key.pem }\n'),
      'f:7:3: issuers.algorithms: is a key of what issuers holds, and stands beside the names; must be indented below the name that it belongs to',
    ],
    [
      'a key beside its section',
      issuer('    audience: x\n    algorithms: [RS256]\n    keys:\n    pem: public-key.pem\n'),
      'f:9:5: issuers.app.pem: is a key of keys, and stands beside it; must be indented below keys',
    ],
    [
      'a line that is indented too deep',
      issuer('     audience: x\n    algorithms: [RS256]\n'),
      'f:6:6: yaml: is indented wrongly; must stand in line with its neighbours',
    ],
  ] as const) {
    test(what, () => assert.deepEqual(faultsOf(text), [fault]));
  }

  test('a set of keys that may be an address', () => {
    assert.match(
      faultsOf(keys('jwks: idp/jwks.json')).join('\n'),
      /idp\/jwks\.json does not exist; must be a readable file, or is https:\/\/ missing before an address$/,
    );
  });

  test('a value of the environment is not printed', () => {
    const faults = faultsOf(`${head}${route}listeners: $${'{SECRET}'}\n`, { SECRET: 'hunter2' }).join('\n');
    assert.match(faults, /listeners: /);
    assert.ok(!faults.includes('hunter2'), faults);
  });
});

test('the reason why an address could not be bound is one of three', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    assert.match(await whyNotBound('127.0.0.1', port), /^the port is taken by another program/);
    assert.match(await whyNotBound('192.0.2.1', port), /^it is not an address of this machine/);
  } finally {
    server.close();
  }
});
