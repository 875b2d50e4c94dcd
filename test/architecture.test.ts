import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, test } from 'node:test';

/** Source text by path below `src`. */
type Files = ReadonlyMap<string, string>;

interface Import {
  readonly from: string;
  /** A path below `src`, or the name of a package. */
  readonly to: string;
  readonly typeOnly: boolean;
}

const MAX_LINES = 400;

/** What the files of a room, or a single file at the top, may import besides their own room. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  'reasons.ts': ['lib'],
  http: ['lib', 'type reasons.ts'],
  keys: ['lib'],
  config: ['lib', 'http', 'keys'],
  front: ['lib', 'http', 'type config', 'type limits', 'type reasons.ts'],
  routing: ['lib', 'http'],
  auth: ['lib', 'http', 'keys', 'type config', 'type reasons.ts'],
  replies: ['reasons.ts', 'http', 'type auth', 'type config'],
  limits: ['lib'],
  forwarding: ['lib', 'http', 'type auth'],
  trace: ['lib', 'http', 'type config'],
  tunnel: ['lib', 'http', 'reasons.ts', 'type auth'],
  upstream: ['lib', 'http', 'limits', 'type config', 'type reasons.ts'],
  exchange: [
    ...['lib', 'reasons.ts', 'type replies', 'forwarding', 'limits', 'routing', 'tunnel', 'upstream'],
    ...['http', 'type auth', 'type config', 'type front', 'type trace'],
  ],
  outlets: ['lib', 'type config'],
  state: ['lib'],
  redis: ['lib'],
  keysets: ['lib', 'keys', 'state', 'type config'],
  watch: ['lib', 'http', 'upstream', 'type admin', 'keysets', 'type config'],
  stapling: ['lib', 'keys', 'keysets', 'type config', 'type front'],
  revocation: ['lib', 'state', 'redis', 'type admin', 'type auth', 'type config'],
  admin: ['lib', 'type upstream'],
  gateway: [
    ...['lib', 'http', 'admin', 'replies', 'auth', 'exchange', 'forwarding', 'front', 'keysets', 'limits'],
    ...[
      'outlets',
      'revocation',
      'routing',
      'stapling',
      'trace',
      'tunnel',
      'upstream',
      'watch',
      'type config',
      'type keys',
    ],
  ],
  explain: [
    ...['lib', 'http', 'auth', 'gateway', 'keys', 'tunnel'],
    ...['type exchange', 'type config', 'type reasons.ts'],
  ],
  process: [
    ...['lib', 'http', 'admin', 'auth', 'config', 'front', 'gateway', 'keysets', 'limits', 'revocation'],
    ...['upstream', 'type keys'],
  ],
  'index.ts': ['lib', 'config', 'gateway'],
  demo: ['lib', 'config', 'gateway'],
  init: ['lib', 'keys', 'keysets', 'config'],
  import: ['lib', 'http'],
  // `check` prints which engine would serve each address.
  cli: ['lib', 'http', 'config', 'front', 'process', 'demo', 'init', 'import', 'type explain', 'explain'],
  'main.ts': ['cli'],
};

/** In rooms of several floors: what a folder, or a file beside the folders, may import from the rest of its room. */
const allowedWithin: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  auth: {
    'auth-counters.ts': [],
    'revocations.ts': [],
    'verdict.ts': [],
    'rejections.ts': ['verdict.ts'],
    'checks.ts': ['rejections.ts', 'verdict.ts'],
    'permit.ts': ['verdict.ts'],
    read: ['rejections.ts', 'verdict.ts'],
    policy: ['read', 'permit.ts', 'rejections.ts', 'verdict.ts'],
    'candidate.ts': ['policy'],
    verify: ['read', 'policy', 'candidate.ts', 'auth-counters.ts', 'rejections.ts', 'verdict.ts'],
    remember: [
      ...['read', 'policy', 'candidate.ts', 'auth-counters.ts', 'rejections.ts', 'revocations.ts'],
      ...['verdict.ts'],
    ],
    'examiner.ts': ['read', 'policy', 'candidate.ts', 'rejections.ts', 'verdict.ts'],
    'judge.ts': [
      ...['read', 'policy', 'remember', 'candidate.ts', 'permit.ts', 'rejections.ts', 'revocations.ts'],
      ...['verdict.ts'],
    ],
    'refusal-log.ts': ['read', 'policy', 'verdict.ts'],
    'authorizer.ts': [
      ...['read', 'policy', 'verify', 'remember', 'examiner.ts', 'judge.ts', 'auth-counters.ts'],
      ...['rejections.ts', 'revocations.ts', 'verdict.ts'],
    ],
  },
  config: {
    'claim-name.ts': [],
    'upstream-config.ts': ['claim-name.ts'],
    'records-config.ts': ['claim-name.ts'],
    'config.ts': ['claim-name.ts', 'upstream-config.ts', 'records-config.ts'],
    'fault.ts': [],
    source: ['claim-name.ts', 'config.ts', 'fault.ts', 'upstream-config.ts', 'records-config.ts'],
    schema: ['source', 'claim-name.ts', 'config.ts', 'fault.ts', 'upstream-config.ts', 'records-config.ts'],
    resolve: [
      'source',
      'schema',
      'claim-name.ts',
      'config.ts',
      'fault.ts',
      'upstream-config.ts',
      'records-config.ts',
    ],
    'load.ts': [
      'source',
      'schema',
      'resolve',
      'claim-name.ts',
      'config.ts',
      'fault.ts',
      'upstream-config.ts',
      'records-config.ts',
    ],
    'renew.ts': ['source', 'config.ts', 'upstream-config.ts', 'records-config.ts'],
  },
  front: {
    'engine-of.ts': [],
    'front.ts': ['engine-of.ts'],
    'bind-fault.ts': [],
    'remote-address.ts': [],
    'socket-file.ts': [],
    uws: ['front.ts', 'bind-fault.ts', 'remote-address.ts', 'socket-file.ts'],
    node: ['front.ts', 'bind-fault.ts', 'remote-address.ts', 'socket-file.ts'],
    'fronts.ts': ['engine-of.ts', 'front.ts', 'node', 'uws'],
    'engines-here.ts': ['engine-of.ts', 'uws'],
  },
  upstream: {
    'body-copies.ts': [],
    'body-queue.ts': [],
    'read-buffer.ts': [],
    'repeatable.ts': [],
    'ticks.ts': [],
    'probe-pace.ts': ['ticks.ts'],
    'unavailable.ts': [],
    'slow-start.ts': [],
    'server-report.ts': [],
    'ejection.ts': ['server-report.ts'],
    'down-causes.ts': ['server-report.ts'],
    'server-state.ts': ['ejection.ts', 'server-report.ts', 'slow-start.ts', 'unavailable.ts'],
    'server-states.ts': ['server-facts.ts', 'server-report.ts', 'server-state.ts'],
    'server-board.ts': ['server-report.ts', 'server-states.ts'],
    'retry.ts': ['server-report.ts', 'server-state.ts'],
    'response-sink.ts': ['retry.ts'],
    'upstream-stream.ts': ['response-sink.ts', 'server-state.ts'],
    'upload.ts': ['body-copies.ts', 'body-queue.ts', 'upstream-stream.ts'],
    'server-facts.ts': [],
    'waiting-line.ts': ['server-state.ts', 'upstream-stream.ts'],
    'tls-client.ts': [],
    h1: [
      ...['down-causes.ts', 'repeatable.ts', 'response-sink.ts', 'retry.ts', 'server-state.ts'],
      ...['ticks.ts', 'tls-client.ts', 'unavailable.ts', 'upstream-stream.ts'],
    ],
    'server-pool.ts': ['server-state.ts', 'upstream-stream.ts'],
    h2: [
      ...[
        'down-causes.ts',
        'probe-pace.ts',
        'repeatable.ts',
        'response-sink.ts',
        'retry.ts',
        'server-pool.ts',
        'server-report.ts',
      ],
      ...['server-state.ts', 'ticks.ts', 'tls-client.ts', 'unavailable.ts', 'upstream-stream.ts'],
    ],
    'refused-responses.ts': ['h1', 'h2'],
    'pool.ts': [
      'h1',
      'probe-pace.ts',
      'retry.ts',
      'server-pool.ts',
      'server-state.ts',
      'ticks.ts',
      'tls-client.ts',
      'upstream-stream.ts',
    ],
    balance: [],
    'endpoint.ts': ['balance', 'server-facts.ts', 'server-pool.ts'],
    'outliers.ts': ['endpoint.ts', 'server-state.ts'],
    'endpoints.ts': [
      ...['balance', 'endpoint.ts', 'outliers.ts', 'server-facts.ts', 'server-pool.ts', 'server-state.ts'],
      ...['upstream-stream.ts'],
    ],
    'upstream.ts': [
      ...[
        'balance',
        'endpoint.ts',
        'endpoints.ts',
        'h2',
        'pool.ts',
        'retry.ts',
        'server-facts.ts',
        'server-pool.ts',
        'server-state.ts',
        'ticks.ts',
      ],
      ...['tls-client.ts', 'upstream-stream.ts', 'waiting-line.ts'],
    ],
  },
};

/** The only places that may name a thing. */
const doors: readonly (readonly [what: string, pattern: RegExp, place: RegExp])[] = [
  ['the front engine', /['"`](uWebSockets\.js|@uwsjs\/)/, /^front\/uws\/engine(-file)?\.ts$/],
  [
    'which front serves',
    /\b(Uws\w+|loadEngine|uWebSockets\w*)\b|\/uws\//,
    /^(front\/(uws\/|(fronts|engines-here)\.ts$)|config\/)/,
  ],
  [
    'connections to other servers',
    /^import (?!type)[^;]*(?<!type )\b(connect|Socket)\b[^;]*from 'node:(net|tls)'/m,
    /^(upstream\/(tls-client|h1\/upstream-socket|h2\/plain-socket)|front\/(socket-file|node\/(shared-read|write-requests))|redis\/connection|outlets\/stream-outlet|process\/control-client|watch\/tcp-check)\.ts$/,
  ],
  ['connections of one version of HTTP', /\/upstream\/h[12]\//, /^$/],
  ['the grammar of one version of HTTP', /'\.\/h1\//, /^(?!http\/[^/]+$)/],
  ['piscina', /'piscina'/, /^auth\/verify\/(pool|worker)\.ts$/],
  ['fast-jwt', /'fast-jwt'/, /^(auth\/verify\/signature\.ts|demo\/.*)$/],
  ['lru-cache', /'lru-cache'/, /^auth\/remember\/token-cache\.ts$/],
  ['zod and yaml', /'(zod|yaml)['/]/, /^(config\/|import\/write\.ts$)/],
  ['OpenTelemetry', /'@opentelemetry\//, /^trace\/span-exporter\.ts$/],
  ['prom-client', /'prom-client'/, /^admin\//],
  ['pino', /'pino'/, /^lib\/log\.ts$/],
  ['commander', /'commander'/, /^cli\//],
  [
    'files',
    /'(node:)?fs(\/promises)?'/,
    /^((config|cli)\/|admin\/page-files\.ts$|process\/(systemd\/journal-stream|control-folder|control-socket|file-changes)\.ts$|state\/|front\/(socket|uws\/engine)-file\.ts$|outlets\/file-outlet\.ts$|upstream\/h1\/upstream-socket\.ts$)/,
  ],
  ['redis', /redis\/connection\.ts'/, /^revocation\/redis(-keys)?\.ts$/],
  ['fetch', /(?<![.#\w])fetch\(/, /^keysets\/(fetch-document|system-fetch)\.ts$/],
  ['look-ups of names', /'(node:)?dns(\/promises)?'/, /^(watch\/resolver|process\/address-claim)\.ts$/],
  ['undici', /'undici'/, /^keysets\/system-fetch\.ts$/],
  ['http-cache-semantics', /'http-cache-semantics'/, /^keysets\/freshness\.ts$/],
  ['a clock', /\b(Date\.now|performance\.(now|timeOrigin)|hrtime)\b|\bnew Date\(\)/, /^lib\/clock\.ts$/],
  [
    'the process',
    /\bprocess\.[a-z]/,
    /^((cli|process)\/.*|state\/trust\.ts|keysets\/system-fetch\.ts|main\.ts|index\.ts|front\/(uws\/engine(-file)?|socket-file)\.ts|outlets\/access-outlet\.ts|lib\/(process-figures|node-version)\.ts)$/,
  ],
  ['the making of a permit', /\bas (unknown as )?Permit\b|<Permit>/, /^auth\/permit\.ts$/],
  ['the maker of permits', /\/permit\.ts'/, /^auth\//],
  ['a default export', /^export default\b/m, /^$/],
  ['an enum', /^(export )?(declare )?(const )?enum\b/m, /^$/],
];

const statement = /^(?:import|export)\s+(type\s)?(?:[\w*${}\s,]+?from\s+)?'([^']+)'/gm;
const dynamic = /\bimport\('([^']+)'\)/g;

/** Comments mention what they forbid; only code counts. */
const codeOf = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, '$1');

const placeOf = (path: string): string => path.split('/')[0] as string;
const floorOf = (path: string): string => path.split('/')[1] as string;

function importsOf(files: Files): Import[] {
  return [...files].flatMap(([from, text]) => {
    const code = codeOf(text);
    const found = [
      ...Array.from(code.matchAll(statement), ([, type, to = '']) => ({ to, typeOnly: type !== undefined })),
      ...Array.from(code.matchAll(dynamic), ([, to = '']) => ({ to, typeOnly: false })),
    ];
    return found.map(({ to, typeOnly }) => ({
      from,
      to: to.startsWith('.') ? posix.join(posix.dirname(from), to) : to,
      typeOnly,
    }));
  });
}

function misdirected({ from, to, typeOnly }: Import, files: Files): boolean {
  if (!files.has(to)) return to.startsWith('.') || to.endsWith('.ts');
  const [source, target] = [placeOf(from), placeOf(to)];
  if (source === target) {
    const floors = allowedWithin[source];
    const [floor, other] = [floorOf(from), floorOf(to)];
    return floors !== undefined && floor !== other && !(floors[floor] ?? []).includes(other);
  }
  const list = allowed[source] ?? [];
  return !list.includes(target) && !(typeOnly && list.includes(`type ${target}`));
}

/** Files that reach themselves by their imports, types included. */
function inCycles(imports: readonly Import[], files: Files): string[] {
  const reaches = (start: string): boolean => {
    const seen = new Set<string>();
    const open = [start];
    for (const at of open) {
      for (const { from, to } of imports) {
        if (from !== at || seen.has(to)) continue;
        if (to === start) return true;
        seen.add(to);
        open.push(to);
      }
    }
    return false;
  };
  return [...files.keys()].filter(reaches);
}

/** Every breach of the rules, one line each. */
function breaches(files: Files): string[] {
  const imports = importsOf(files);
  const found = imports
    .filter((one) => misdirected(one, files))
    .map(({ from, to }) => `${from} must not import ${to}`);
  for (const path of inCycles(imports, files)) found.push(`${path} is part of an import cycle`);
  for (const [path, text] of files) {
    const floors = allowedWithin[placeOf(path)];
    if (!(placeOf(path) in allowed) || (floors && !(floorOf(path) in floors)))
      found.push(`${path} is in no known place`);
    if (text.trimEnd().split('\n').length > MAX_LINES)
      found.push(`${path} is longer than ${MAX_LINES} lines`);
    const code = codeOf(text);
    for (const [what, pattern, place] of doors) {
      if (pattern.test(code) && !place.test(path)) found.push(`${path} must not have ${what}`);
    }
  }
  return found;
}

const root = join(import.meta.dirname, '..', '..', 'src');
const source: Files = new Map(
  readdirSync(root, { recursive: true })
    .map(String)
    .filter((path) => path.endsWith('.ts'))
    .map((path) => [path, readFileSync(join(root, path), 'utf8')]),
);

describe('the architecture', () => {
  test('holds', () => {
    assert.ok(
      source.has('exchange/exchange.ts') && importsOf(source).length > source.size,
      'the source was not found',
    );
    assert.deepEqual(breaches(source), []);
  });

  test('reports violations', () => {
    for (const [path, text, breach] of [
      ['lib/x.ts', "import { reasons } from '../reasons.ts';", 'lib/x.ts must not import reasons.ts'],
      ['auth/x.ts', "import {\n  Pool,\n} from '../upstream/pool.ts';", 'must not import upstream/pool.ts'],
      ['auth/x.ts', "import type { Pool } from '../upstream/pool.ts';", 'must not import upstream/pool.ts'],
      ['front/x.ts', "import { loadConfig } from '../config/load.ts';", 'must not import config/load.ts'],
      ['admin/x.ts', "export { Tally } from '../exchange/tally.ts';", 'must not import exchange/tally.ts'],
      ['config/x.ts', "await import('../gateway/gateway.ts');", 'must not import gateway/gateway.ts'],
      ['config/x.ts', "import '../nowhere.ts';", 'config/x.ts must not import nowhere.ts'],
      ['gateway/x.ts', "import { run } from '../cli/run.ts';", 'must not import cli/run.ts'],
      [
        'lib/log.ts',
        "import type { Config } from '../config/config.ts';",
        'must not import config/config.ts',
      ],
      ['keys/x.ts', "import { y } from './y.ts';", 'keys/x.ts is part of an import cycle'],
      ['gateway/x.ts', "require('@uwsjs/linux-x64-20');", 'gateway/x.ts must not have the front engine'],
      [
        'exchange/x.ts',
        "import { UwsStream } from '../front/uws/stream.ts';",
        'must not have which front serves',
      ],
      [
        'exchange/x.ts',
        "import type { Connection } from '../upstream/h1/connection.ts';",
        'must not have connections of one version of HTTP',
      ],
      [
        'upstream/upstream.ts',
        "import type { Connection } from './h1/connection.ts';",
        'must not import upstream/h1/connection.ts',
      ],
      ['auth/x.ts', "import { connect } from 'node:net';", 'must not have connections to other servers'],
      ['auth/x.ts', "import { Socket } from 'node:net';", 'must not have connections to other servers'],
      ['auth/x.ts', "import { createVerifier } from 'fast-jwt';", 'auth/x.ts must not have fast-jwt'],
      ['auth/x.ts', "import { LRUCache } from 'lru-cache';", 'auth/x.ts must not have lru-cache'],
      ['keysets/x.ts', "import { open } from 'node:fs/promises';", 'keysets/x.ts must not have files'],
      ['process/x.ts', "import { run } from '../cli/run.ts';", 'process/x.ts must not import cli/run.ts'],
      ['process/x.ts', "import { connect } from 'node:net';", 'must not have connections to other servers'],
      [
        'keysets/x.ts',
        "import { Issuer } from '../auth/policy/issuer.ts';",
        'must not import auth/policy/issuer.ts',
      ],
      ['revocation/x.ts', "import { open } from 'node:fs/promises';", 'revocation/x.ts must not have files'],
      [
        'revocation/x.ts',
        "import { Issuer } from '../auth/policy/issuer.ts';",
        'must not import auth/policy/issuer.ts',
      ],
      ['auth/x.ts', "await fetch('https://issuer/keys');", 'auth/x.ts must not have fetch'],
      ['watch/x.ts', "import { lookup } from 'node:dns';", 'watch/x.ts must not have look-ups of names'],
      ['keysets/x.ts', "await import('undici');", 'keysets/x.ts must not have undici'],
      ['cli/x.ts', "import * as z from 'zod';", 'cli/x.ts must not have zod and yaml'],
      ['upstream/x.ts', 'const now = Date.now();', 'upstream/x.ts must not have a clock'],
      ['exchange/x.ts', 'const permit = {} as Permit;', 'exchange/x.ts must not have the making of a permit'],
      ['exchange/x.ts', "import { grant } from '../auth/permit.ts';", 'must not have the maker of permits'],
      ['lib/x.ts', 'export default 1;', 'lib/x.ts must not have a default export'],
      ['lib/x.ts', 'export enum Colour { Red }', 'lib/x.ts must not have an enum'],
      ['lib/x.ts', '\n'.repeat(MAX_LINES).concat('x'), `lib/x.ts is longer than ${MAX_LINES} lines`],
      ['utils/x.ts', '', 'utils/x.ts is in no known place'],
      ['auth/x.ts', '', 'auth/x.ts is in no known place'],
      ['config/x.ts', '', 'config/x.ts is in no known place'],
      [
        'config/schema/x.ts',
        "import type { Findings } from '../resolve/findings.ts';",
        'config/schema/x.ts must not import config/resolve/findings.ts',
      ],
      [
        'http/x.ts',
        "import { FieldScanner } from './h1/field-scanner.ts';",
        'http/x.ts must not have the grammar of one version of HTTP',
      ],
      [
        'auth/read/x.ts',
        "import type { Issuer } from '../policy/issuer.ts';",
        'auth/read/x.ts must not import auth/policy/issuer.ts',
      ],
    ] as const) {
      const other = "import { x } from './x.ts';";
      const broken = breaches(new Map([...source, ['keys/y.ts', other], ['keys/x.ts', ''], [path, text]]));
      assert.ok(
        broken.some((line) => line.endsWith(breach)),
        `${path} with ${text}: ${broken}`,
      );
    }
  });

  test('permits comments and types of the configuration', () => {
    const text =
      "// never Date.now()\n/** as Permit */\nimport type { Config } from '../../config/config.ts';\n";
    assert.deepEqual(breaches(new Map([...source, ['auth/read/x.ts', text]])), []);
  });
});
