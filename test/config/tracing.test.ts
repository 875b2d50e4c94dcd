import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configOf, faultsOf } from './check.ts';

const file = (tracing: string): string =>
  `listen: 127.0.0.1:8080\nupstream: http://127.0.0.1:9000\nauth: none\ntracing: ${tracing}\n`;

describe('tracing', () => {
  for (const [text, tracing] of [
    [
      '{ otlp: "http://127.0.0.1:4318" }',
      { otlp: 'http://127.0.0.1:4318/v1/traces', sample: 0.01, trust: 'trustedProxies', paths: false },
    ],
    [
      '{ otlp: "https://otel.example/a/", sample: 100%, trust: nobody, paths: true }',
      { otlp: 'https://otel.example/a/v1/traces', sample: 1, trust: 'nobody', paths: true },
    ],
    [
      '{ otlp: "http://otel/v1/traces", sample: 0% }',
      { otlp: 'http://otel/v1/traces', sample: 0, trust: 'trustedProxies', paths: false },
    ],
  ] as const) {
    test(text, () => assert.deepEqual(configOf(file(text)).tracing, tracing));
  }

  test('is absent by default', () => {
    assert.equal(configOf(file('{ otlp: "http://a" }').replace(/tracing.*\n/, '')).tracing, undefined);
  });

  const noUrl =
    'f:4:18: tracing.otlp: is no URL of a receiver; must be one without user, query and fragment, such as http://127.0.0.1:4318';
  for (const [text, fault] of [
    ['{ otlp: "127.0.0.1:4318" }', noUrl],
    ['{ otlp: "grpc://127.0.0.1:4317" }', noUrl],
    ['{ otlp: "http://user:secret@a" }', noUrl],
    ['{ otlp: "http://a?key=secret" }', noUrl],
    [
      '{ otlp: "http://a", sample: 101% }',
      'f:4:38: tracing.sample: is out of range; must be a share from 0% to 100%, such as 1% or 0.1%',
    ],
    [
      '{ otlp: "http://a", trust: me }',
      'f:4:37: tracing.trust: does not fit; must be trustedProxies, everyone, nobody',
    ],
  ] as const) {
    test(`${text} is a fault`, () => assert.deepEqual(faultsOf(file(text)), [fault]));
  }
});
