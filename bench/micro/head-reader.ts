import type { EngineRequest } from '../../src/front/uws/engine.ts';
import { HeadReader } from '../../src/front/uws/head-reader.ts';
import { compare } from './timing.ts';

// Reading and judging a request head, without the engine; baseline: the calls that fetch it.

const CALLS = 300_000;

function requestOf(fields: readonly (readonly [string, string])[]): EngineRequest {
  return {
    getCaseSensitiveMethod: () => 'GET',
    getUrl: () => '/api/orders/17',
    getQuery: () => undefined,
    forEach: (visit) => {
      for (let at = 0; at < fields.length; at += 1) {
        const field = fields[at] as readonly [string, string];
        visit(field[0], field[1]);
      }
    },
  };
}

const few = requestOf([
  ['host', 'api.example.com'],
  ['authorization', `Bearer ${'a'.repeat(850)}`],
]);
const many = requestOf([
  ['host', 'api.example.com'],
  ['authorization', `Bearer ${'a'.repeat(850)}`],
  ...Array.from({ length: 14 }, (_, at) => [`x-field-${at}`, 'a value of some length'] as const),
]);

const reader = new HeadReader(16 * 1024);
const bare = (request: EngineRequest): number => {
  let count = request.getCaseSensitiveMethod().length + request.getUrl().length;
  request.forEach((name) => {
    count += name.length;
  });
  return count;
};

compare('a request head', CALLS, {
  'bare calls, 2 fields': () => bare(few),
  'read and judged, 2 fields': () => reader.read(few).names.length,
  'bare calls, 16 fields': () => bare(many),
  'read and judged, 16 fields': () => reader.read(many).names.length,
});
