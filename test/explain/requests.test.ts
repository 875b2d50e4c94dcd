import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Explanation, explain } from '../../src/explain/explain.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { configOf } from '../config/check.ts';

const config = configOf(`listen: 127.0.0.1:0
issuers: { app: { issuer: x, audience: y, algorithms: [RS256], keys: { pem: public-key.pem } } }
upstreams: { app: { servers: [http://127.0.0.1:9] } }
routes:
  - { match: { path: / }, upstream: app }
  - { match: { prefix: /pub }, auth: none, upstream: app }
  - { match: { exact: /page }, auth: none, upstream: app }
`);

const ask = (asked: { method?: string; host?: string; path?: string }): Promise<Explanation> =>
  explain(
    config,
    { method: 'GET', host: 'localhost', path: '/pub', token: undefined, ...asked },
    { offline: false, clock: systemClock },
  );

describe('a request that no route sees', () => {
  for (const [name, asked] of [
    ['CONNECT', { method: 'CONNECT' }],
    ['TRACE', { method: 'TRACE' }],
    ['a method that is none', { method: 'G T' }],
    ['a host that is none', { host: 'a b' }],
  ] as const) {
    test(`${name} is refused`, async () => {
      const { refusal, route } = await ask(asked);
      assert.equal(refusal?.reason, 'request_malformed');
      assert.equal(route, undefined);
    });
  }
});

describe('the route of a path', () => {
  for (const [path, route, rule] of [
    ['/pub', '/pub (prefix)'],
    ['/public/x', '/pub (prefix)'],
    ['/page', '/page (exact)'],
    ['/page/x', '/'],
    ['/page/', undefined, 'trailing_slash'],
    ['/page;x', undefined, 'parameter'],
    ['/%70ub', undefined, 'encoded_letter'],
  ] as const) {
    test(`${path}: ${route ?? rule}`, async () => {
      const explanation = await ask({ path });
      assert.deepEqual([explanation.route?.name, explanation.pathRule], [route, rule]);
    });
  }
});
