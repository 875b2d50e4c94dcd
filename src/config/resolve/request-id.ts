import { fieldSpelling } from '../../http/field-names.ts';
import type { RequestIdConfig, RouteConfig } from '../config.ts';
import type { FileConfig } from '../schema/schema.ts';
import type { Findings } from './findings.ts';
import { whyNoHeader, writtenSpellings } from './forward-headers.ts';

/** Checks the header of the request id: nothing else may read or write it. */
export function resolveRequestId(
  { requestId }: FileConfig,
  routes: readonly RouteConfig[],
  findings: Findings,
): RequestIdConfig | undefined {
  if (requestId === undefined) return undefined;
  const path = ['requestId', 'header'];
  const obstacle = whyNoHeader(requestId.header) ?? whyTaken(fieldSpelling(requestId.header), routes);
  if (obstacle !== undefined) findings.fault(path, obstacle);
  return requestId;
}

function whyTaken(spelling: string, routes: readonly RouteConfig[]): string | undefined {
  const isIt = (name: string): boolean => fieldSpelling(name) === spelling;
  for (const { name, forward, token = [], responseHeaders } of routes) {
    const uses: readonly (readonly [key: string, names: readonly string[]])[] = [
      ['forward', writtenSpellings(forward)],
      ['token', token.flatMap((place) => (place.kind === 'header' ? [place.name] : []))],
      ['responseHeaders', [...(responseHeaders?.set.keys() ?? []), ...(responseHeaders?.remove ?? [])]],
    ];
    const [use] = uses.find(([, names]) => names.some(isIt)) ?? [];
    if (use !== undefined) return `is a header that the route ${name} has in ${use}; must be another`;
  }
  return undefined;
}
