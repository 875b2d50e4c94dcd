import assert from 'node:assert/strict';
import type { UpstreamConfig } from '../../src/config/upstream-config.ts';
import { configOf, faultsOf } from './check.ts';

/** A file whose only upstream, `app`, has these keys beside its servers. */
export function upstreamFile(keys: string, servers = 'http://app.internal'): string {
  return `listen: 127.0.0.1:1\nauth: none\nupstream: app\nupstreams: { app: { servers: [${servers}], ${keys} } }\n`;
}

/** That upstream. */
export function upstreamOf(keys: string, servers?: string): UpstreamConfig {
  return configOf(upstreamFile(keys, servers)).upstreams.get('app') as UpstreamConfig;
}

/** Checks that each of these keys has this one fault. */
export function assertRefused(cases: readonly (readonly [keys: string, fault: RegExp])[]): void {
  for (const [keys, fault] of cases) {
    const faults = faultsOf(upstreamFile(keys));
    assert.equal(faults.length, 1, `${keys}: ${faults.join('\n')}`);
    assert.match(faults[0] as string, fault, keys);
  }
}
