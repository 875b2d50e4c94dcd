import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { nodeEngineUnavailable } from '../../bench/gateways/portcullis.ts';
import { findProgram } from '../../bench/programs.ts';
import type { RunResult } from '../../bench/results.ts';
import { bench } from './program.ts';

const WEBSOCKETS = ['ws-echo', 'ws-download', 'ws-idle'];
const BY_H2LOAD = ['tls-handshake', 'h2-1', 'h2-10', 'h2-100'];

describe('a short run of the benchmark', () => {
  it('measures every gateway present, everything with portcullis, and writes complete results', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bench-test-'));
    try {
      const results = join(folder, 'results');
      const run = await bench(['--quick', '--results', results], folder);
      assert.equal(run.code, 0, run.stdout + run.stderr);

      const written = JSON.parse(readFileSync(join(results, 'latest.json'), 'utf8')) as RunResult;
      const hasHaproxy = findProgram('haproxy') !== undefined;
      const hasNodeEngine = nodeEngineUnavailable() === undefined;
      const byH2load = hasNodeEngine && findProgram('h2load') !== undefined ? BY_H2LOAD : [];
      const haproxies = hasHaproxy ? ['haproxy-plain', 'haproxy-jwt'] : [];
      const [first, ...others] = written.scenarios;
      assert.ok(first);
      const names = first.gateways.map(({ gateway }) => gateway).sort();
      assert.deepEqual(names, ['fastify', ...haproxies.toSorted(), 'portcullis', 'portcullis-pipelined']);
      assert.deepEqual(
        others.map(({ scenario, gateways }) => [scenario, ...gateways.map(({ gateway }) => gateway)]),
        [
          ...['hit-1000', 'miss', 'mixed', 'reject-absent', 'reject-expired', 'reject-forged'],
          ...['answer-64k', 'answer-1m', 'upload-1m', 'latency'],
        ]
          .map((name) => [name, 'portcullis'])
          .toSpliced(
            9,
            0,
            ...(hasNodeEngine ? [['hit-node', 'uws', 'node']] : []),
            ['balance-3', 'least-conn', 'round-robin', 'hash-claim'],
            ['hit-extras', 'portcullis', 'request-ids', 'rate-limit'],
            ...(hasNodeEngine ? [['tls', 'node'], ...byH2load.map((name) => [name, 'node'])] : []),
            ['upstream-h2', 'portcullis'],
            ['upstream-tls', 'portcullis'],
          )
          .concat([
            ['flood', 'calm', 'flooded'],
            ['memory', 'portcullis'],
            ...(hasNodeEngine
              ? [
                  ['idle', 'uws', 'node', 'node-tls'],
                  ['beside-uploads', 'node'],
                  ...WEBSOCKETS.map((name) => [name, 'portcullis']),
                ]
              : []),
            ['scale-routes', '10 routes', '500 routes'],
            ['scale-issuers', '1 issuer', '5 issuers'],
            ['scale-connections', '64 connections', '500 connections'],
          ]),
      );
      for (const { gateway, rounds, summary, peakMemoryBytes } of written.scenarios.flatMap(
        ({ gateways }) => gateways,
      )) {
        assert.equal(rounds.length, 1, gateway);
        assert.ok(rounds.every(({ fault, completed }) => fault === null && completed > 0));
        assert.ok(summary, gateway);
        assert.ok(summary.requestsPerSecond.median > 0 && summary.p50.median > 0, gateway);
        assert.ok(peakMemoryBytes > 0, gateway);
      }
      for (const { ratios } of first.gateways) assert.deepEqual(Object.keys(ratios), haproxies);
      assert.deepEqual(written.failed, {});
      assert.deepEqual(Object.keys(written.skipped), [
        ...(hasHaproxy ? [] : ['haproxy-plain', 'haproxy-jwt']),
        ...(hasNodeEngine ? [] : ['hit-node', 'tls']),
        ...(byH2load.length > 0 ? [] : BY_H2LOAD),
        ...(hasNodeEngine ? [] : ['idle', 'beside-uploads', ...WEBSOCKETS]),
      ]);
      for (const key of ['cpu', 'cores', 'memoryGiB', 'kernel']) assert.ok(written.machine[key], key);
      for (const key of ['node', 'autocannon', 'fastify']) assert.ok(written.versions[key], key);
      const memory = others.find(({ scenario }) => scenario === 'memory');
      assert.match(memory?.remarks.join() ?? '', /remembers 200[0-9] tokens/);

      assert.match(readFileSync(join(results, 'latest.md'), 'utf8'), /^\| portcullis \| [\d.]+ \|/m);
      for (const name of ['latest', 'latest-throughput', 'latest-latency', 'latest-flood']) {
        const picture = readFileSync(join(results, `${name}.svg`), 'utf8');
        assert.match(picture, /^<svg .*>(?:portcullis|flooded) ?.*<.*<\/svg>\n$/s, name);
      }
      assert.deepEqual(readdirSync(folder), ['results'], 'temporary files are left');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
