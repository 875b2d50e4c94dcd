import { isHostAndPort } from '../../http/host-port.ts';
import type { KeyPath } from '../fault.ts';
import type { FileHealth } from '../schema/health.ts';
import type { HealthConfig } from '../upstream-config.ts';
import type { Findings } from './findings.ts';

const DEFAULT_STATUS: HealthConfig['status'] = [[200, 399]];

export function resolveHealth(
  health: FileHealth | undefined,
  path: KeyPath,
  findings: Findings,
): HealthConfig | undefined {
  if (health === undefined) return undefined;
  const { host, interval, timeout, rise, fall, status } = health;
  if (timeout > interval) {
    findings.fault([...path, 'timeout'], 'is longer than interval; must be at most as long');
  }
  for (const key of ['host', 'status'] as const) {
    if (health[key] === undefined || health.path !== undefined || findings.wasWrong([...path, 'path']))
      continue;
    findings.fault(
      [...path, key],
      'is for a request, and path is missing; must be left out, or path named',
      'key',
    );
  }
  if (host !== undefined && !isHostAndPort(host)) {
    findings.fault(
      [...path, 'host'],
      'does not fit; must be a host such as app.internal or app.internal:8080',
    );
  }
  return {
    path: health.path,
    host,
    intervalMs: interval,
    timeoutMs: timeout,
    rise,
    fall,
    status: status ?? DEFAULT_STATUS,
  };
}
