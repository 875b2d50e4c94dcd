import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configOf, faultsOf } from './check.ts';

const file = (text: string, route = ''): string =>
  `listen: 127.0.0.1:1\nrequestId: ${text}\nroutes:\n  - match: { path: /a }\n    auth: none\n    upstream: http://h\n${route}`;

describe('requestId', () => {
  test('has defaults', () => {
    assert.deepEqual(configOf(file('{}')).requestId, { header: 'X-Request-Id', trust: 'trustedProxies' });
    assert.deepEqual(configOf(file('{ header: X-Correlation-Id, trust: everyone }')).requestId, {
      header: 'X-Correlation-Id',
      trust: 'everyone',
    });
  });

  for (const [what, text, route, fault] of [
    ['an unknown key', '{ name: a }', '', /requestId\.name: is not a known key/],
    ['another trust', '{ trust: all }', '', /requestId\.trust: does not fit; must be trustedProxies, every/],
    ['a name that is no token', '{ header: "X A" }', '', /requestId\.header: is not a header name/],
    ['a header of the trace', '{ header: Traceparent }', '', /header: is a header with a meaning of its own/],
    ['a header of the hop', '{ header: Upgrade }', '', /header: is a header with a meaning of its own/],
    [
      'a header that a route writes, in another spelling',
      '{ header: X_Id }',
      '    forward: { set: { X-Id: a } }\n',
      /header: is a header that the route \/a has in forward; must be another/,
    ],
    [
      'a header with the token',
      '{ header: X-Id }',
      '    token: "header:X-Id"\n',
      /header: is a header that the route \/a has in token; must be another/,
    ],
    [
      'a header that a route removes',
      '{}',
      '    responseHeaders: { remove: [x-request-id] }\n',
      /header: is a header that the route \/a has in responseHeaders; must be another/,
    ],
  ] as const) {
    test(`refuses ${what}`, () => {
      const faults = faultsOf(file(text, route)).filter((line) => line.includes('requestId'));
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0] as string, fault);
    });
  }
});

test('no route writes the trace itself', () => {
  const [fault] = faultsOf(file('{}', '    forward: { set: { traceparent: a } }\n'));
  assert.match(fault as string, /forward\.set\.traceparent: is a header with a meaning of its own/);
});
