import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { configOf, faultsOf, fixtures } from './check.ts';

const file = (access: string, level = 'info'): string =>
  `listen: 127.0.0.1:8080\nupstream: http://127.0.0.1:9000\nauth: none\nlog:\n  level: ${level}\n  access: ${access}\n`;

describe('log.access as a mapping', () => {
  for (const [text, mode, accessLog] of [
    ['{}', 1, {}],
    ['{ mode: errors }', 'errors', {}],
    ['{ mode: off, file: a.log }', 'off', { file: join(fixtures, 'a.log') }],
    ['{ mode: 5%, file: /tmp/a.log, format: text }', 0.05, { file: '/tmp/a.log', format: 'text' }],
    [
      '{ fields: [status, path], claims: [sub, [a.b, c]] }',
      1,
      {
        fields: ['status', 'path'],
        claims: ['sub', ['a.b', 'c']],
      },
    ],
    [
      '{ syslog: "udp://127.0.0.1:514" }',
      1,
      {
        syslog: {
          server: { transport: 'udp', host: '127.0.0.1', port: 514, text: 'udp://127.0.0.1:514' },
          facility: 'local0',
        },
      },
    ],
    [
      '{ syslog: { server: "tcp://[::1]:601", facility: daemon } }',
      1,
      {
        syslog: {
          server: { transport: 'tcp', host: '::1', port: 601, text: 'tcp://[::1]:601' },
          facility: 'daemon',
        },
      },
    ],
    [
      '{ syslog: "unix:/run/log.sock" }',
      1,
      {
        syslog: {
          server: { transport: 'unix', path: '/run/log.sock', text: 'unix:/run/log.sock' },
          facility: 'local0',
        },
      },
    ],
  ] as const) {
    test(text, () => {
      const { log } = configOf(file(text));
      assert.deepEqual([log.access, log.accessLog], [mode, accessLog]);
    });
  }

  test('goes with every level where its lines do not go to the log', () => {
    assert.equal(configOf(file('{ file: a.log }', 'error')).log.access, 1);
    assert.deepEqual(faultsOf(file('{ fields: [path] }', 'error')), [
      'f:6:11: log.access: needs log.level info or debug, which is error; must be off, or the level another',
    ]);
  });

  const noServer =
    'is no server; must be one such as udp://127.0.0.1:514, tcp://logs.internal:601 or unix:/run/syslog.sock';
  for (const [text, fault] of [
    ['{ file: none/a.log }', 'log.access.file: is in a folder that does not exist; must be in one that does'],
    ['{ file: . }', 'log.access.file: is no file; must be one, or the name of one that can be made'],
    ['{ file: a, syslog: "udp://a:1" }', 'log.access: has file and syslog; must have one of them'],
    ['{ format: text }', 'log.access.format: is for a file or syslog; must be left out, and log.format set'],
    ['{ fields: [path, path] }', 'log.access.fields[1]: stands in the list twice; must stand once'],
    ['{ fields: [query] }', /^log\.access\.fields\[0\]: does not fit; must be time, client, /],
    [
      '{ claims: [a..b] }',
      'log.access.claims[0]: has an empty part in the path of a claim; must be such as sub or realm.roles',
    ],
    ['{ claims: [a.b, [a, b]] }', 'log.access.claims[1]: stands in the list twice; must stand once'],
    ['{ claims: [a, b, c, d, e, f, g, h, i] }', 'log.access.claims: has too many entries; must be at most 8'],
    ['{ syslog: "udp://127.0.0.1" }', `log.access.syslog: ${noServer}`],
    ['{ syslog: "udp://127.0.0.1:0" }', `log.access.syslog: ${noServer}`],
    ['{ syslog: { server: "http://a:1" } }', `log.access.syslog.server: ${noServer}`],
    ['{ modes: all }', 'log.access.modes: is not a known key; must be mode if that is meant'],
  ] as const) {
    test(`${text} is a fault`, () => {
      const [found = '', ...others] = faultsOf(file(text));
      assert.deepEqual(others, []);
      const [, where, told = ''] = /^f:6:(\d+): (.*)$/.exec(found) ?? [];
      assert.ok(where, found);
      if (typeof fault === 'string') assert.equal(told, fault);
      else assert.match(told, fault);
    });
  }
});
