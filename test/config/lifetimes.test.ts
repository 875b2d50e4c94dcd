import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configOf, faultsOf } from './check.ts';

const issuer = `{ issuer: i, audience: a, algorithms: [HS256], keys: { secret: ${'s'.repeat(32)} } }`;
const fileOf = (keys: string, auth = 'a'): string =>
  `listen: 127.0.0.1:1\nissuers: { a: ${issuer} }\nroutes: [{ match: { path: / }, auth: ${auth}, upstream: "http://a:1", ${keys} }]\n`;

describe('what outlives a token', () => {
  test('is said by route', () => {
    const [route] = configOf(
      fileOf('upgrade: [websocket], tunnels: { limit: 5, perSubject: "2" }, onExpiry: { tunnels: keep }'),
    ).routes;
    assert.deepEqual(route?.tunnels, { limit: 5, perSubject: 2 });
    assert.deepEqual(route?.onExpiry, { tunnels: 'keep', answers: 'keep' });
    const [answers] = configOf(fileOf('onExpiry: { answers: close }')).routes;
    assert.deepEqual(answers?.onExpiry, { tunnels: 'close', answers: 'close' });
    const [plain] = configOf(fileOf('forward: {}')).routes;
    assert.deepEqual([plain?.tunnels, plain?.onExpiry], [undefined, undefined]);
  });

  test('is refused where it cannot be', () => {
    const cases: readonly (readonly [text: string, fault: RegExp])[] = [
      [
        fileOf('tunnels: { limit: 5 }'),
        /routes\[0\]\.tunnels: has no meaning on a route that upgrades nothing; must stand beside upgrade/,
      ],
      [
        fileOf('onExpiry: { tunnels: keep }'),
        /routes\[0\]\.onExpiry\.tunnels: has no meaning on a route that upgrades nothing/,
      ],
      [
        fileOf('onExpiry: { answers: close }', 'none'),
        /routes\[0\]\.onExpiry: has no meaning on a public route, whose requests have no token; must be left out/,
      ],
      [
        fileOf('upgrade: [websocket], tunnels: { perSubject: 1 }', 'none'),
        /routes\[0\]\.tunnels\.perSubject: has no meaning on a public route/,
      ],
      [
        fileOf('upgrade: [websocket], tunnels: { limit: 0 }'),
        /routes\[0\]\.tunnels\.limit: is out of range; must be a whole number from 1 to 1000000/,
      ],
      [
        fileOf('onExpiry: { answers: cut }'),
        /routes\[0\]\.onExpiry\.answers: does not fit; must be close or keep/,
      ],
      [
        fileOf('onExpiry: close'),
        /routes\[0\]\.onExpiry: does not fit; must be a mapping with the keys tunnels, answers/,
      ],
    ];
    for (const [text, fault] of cases) {
      const faults = faultsOf(text);
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0] as string, fault);
    }
  });
});
