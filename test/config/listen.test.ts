import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configOf, faultsOf } from './check.ts';

const rest = 'auth: none\nupstream: http://h\n';
const listenOf = (text: string, more = ''): unknown => configOf(`listen: ${text}\n${more}${rest}`).listen;
const place = { host: '127.0.0.1', port: 1 };

describe('listen.proxyProtocol', () => {
  const trusted = 'trustedProxies: [10.0.0.0/8]\n';

  test('is required or off, which is the default', () => {
    assert.deepEqual(listenOf('{ address: 127.0.0.1:1 }'), [place]);
    assert.deepEqual(listenOf('{ address: 127.0.0.1:1, proxyProtocol: off }'), [place]);
    assert.deepEqual(
      listenOf('[127.0.0.1:2, { address: 127.0.0.1:1, proxyProtocol: required, engine: node }]', trusted),
      [
        { host: '127.0.0.1', port: 2 },
        { ...place, engine: 'node', proxyProtocol: 'required' },
      ],
    );
  });

  for (const [name, text, more, fault] of [
    [
      'another word',
      '{ address: 127.0.0.1:1, proxyProtocol: v2 }',
      trusted,
      'f:1:48: listen.proxyProtocol: "v2" does not fit; must be off or required',
    ],
    [
      'no proxy that is trusted',
      '{ address: 127.0.0.1:1, proxyProtocol: required }',
      '',
      'f:1:48: listen.proxyProtocol: needs trustedProxies, which is empty; must be off, or they must name the proxy',
    ],
    [
      'uWebSockets.js',
      '[{ address: 127.0.0.1:1, engine: uws, proxyProtocol: required }]',
      trusted,
      'f:1:42: listen[0].engine: is uws, which does not know the PROXY protocol; must be auto or node',
    ],
  ] as const) {
    test(`refuses ${name}`, () => assert.deepEqual(faultsOf(`listen: ${text}\n${more}${rest}`), [fault]));
  }
});

describe('listen.redirect', () => {
  test('is https, or absent', () => {
    assert.deepEqual(listenOf('{ address: 127.0.0.1:1, redirect: https }'), [
      { ...place, redirect: 'https' },
    ]);
  });

  test('refuses another word', () => {
    const text = `listen: { address: 127.0.0.1:1, redirect: http }\n${rest}`;
    assert.deepEqual(faultsOf(text), ['f:1:43: listen.redirect: "http" does not fit; must be https']);
  });
});

describe('listen.protocols', () => {
  test('takes HTTP/2 without TLS, alone or beside HTTP/1.1, which is the default', () => {
    assert.deepEqual(listenOf('{ address: 127.0.0.1:1, protocols: [http/1.1] }'), [place]);
    assert.deepEqual(listenOf('{ address: 127.0.0.1:1, protocols: [h2c] }'), [
      { ...place, protocols: ['h2c'] },
    ]);
    assert.deepEqual(listenOf('{ address: 127.0.0.1:1, engine: node, protocols: [h2c, http/1.1] }'), [
      { ...place, engine: 'node', protocols: ['h2c', 'http/1.1'] },
    ]);
  });

  for (const [name, text, fault] of [
    [
      'an unknown protocol',
      '{ address: 127.0.0.1:1, protocols: [h3] }',
      'f:1:45: listen.protocols[0]: does not fit; must be h2, http/1.1, h2c',
    ],
    [
      'no protocol at all',
      '{ address: 127.0.0.1:1, protocols: [] }',
      'f:1:44: listen.protocols: is an empty list; must be a list such as [h2, http/1.1]',
    ],
    [
      'HTTP/2 by uWebSockets.js',
      '{ address: 127.0.0.1:1, engine: uws, protocols: [h2c] }',
      'f:1:41: listen.engine: is uws, which does not know HTTP/2; must be auto or node',
    ],
  ] as const) {
    test(`refuses ${name}`, () => assert.deepEqual(faultsOf(`listen: ${text}\n${rest}`), [fault]));
  }
});
