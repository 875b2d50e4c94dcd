import type { TracingConfig } from '../records-config.ts';
import type { FileConfig } from '../schema/schema.ts';
import type { Findings } from './findings.ts';

const TRACES = '/v1/traces';

/** The export of spans, with the whole URL of the receiver. */
export function resolveTracing({ tracing }: FileConfig, findings: Findings): TracingConfig | undefined {
  if (tracing === undefined) return undefined;
  const url = URL.canParse(tracing.otlp) ? new URL(tracing.otlp) : undefined;
  const isPlain =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.username + url.password + url.search + url.hash === '';
  if (!isPlain) {
    findings.fault(
      ['tracing', 'otlp'],
      'is no URL of a receiver; must be one without user, query and fragment, such as http://127.0.0.1:4318',
    );
    return undefined;
  }
  const base = url.href.replace(/\/+$/, '');
  return { ...tracing, otlp: base.endsWith(TRACES) ? base : base + TRACES };
}
