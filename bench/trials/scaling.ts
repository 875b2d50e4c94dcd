import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Gateway } from '../gateways/gateway.ts';
import { portcullisWith } from '../gateways/portcullis.ts';
import {
  type Bench,
  type Contestant,
  includesOurs,
  inRounds,
  measureOnce,
  type Plan,
  type Trial,
  tableOf,
  usualProbe,
  warmUp,
  withGateways,
  writeTokens,
} from '../measure.ts';
import type { ScenarioResult } from '../results.ts';
import { CONNECTIONS, KNOWN_TOKENS } from '../scenarios.ts';
import { ISSUER, TokenMint } from '../tokens.ts';

/** One size of the growing quantity. */
interface Size {
  readonly gateway: Gateway;
  readonly path: string;
  readonly tokens: readonly string[];
  readonly connections: number;
}

type Sizes = (bench: Bench) => Promise<readonly [small: Size, large: Size]>;

/** The same hit at a small and at a large size. */
function scaling(name: string, description: string, sizes: Sizes): Trial {
  const run = async (bench: Bench): Promise<ScenarioResult | undefined> => {
    if (!includesOurs(bench)) return undefined;
    const both = await sizes(bench);
    const [small] = both;
    const plans = both.map(
      ({ gateway, path, tokens, connections }): Plan => ({
        path,
        tokenFile: writeTokens(bench, `${name}.${gateway.name}.tokens`, tokens),
        expect: 'forwarded',
        use: 'cycle',
        connections,
      }),
    );
    const gateways = both.map(({ gateway }) => gateway);
    return withGateways(bench, name, gateways, { ...usualProbe, path: small.path }, async (contestants) => {
      const planOf = (contestant: Contestant) => plans[contestants.indexOf(contestant)] as Plan;
      if (bench.options.warmupSeconds > 0) {
        for (const contestant of contestants) await warmUp(bench, contestant, planOf(contestant));
      }
      await inRounds(bench, name, contestants, (one) => measureOnce(bench, one, planOf(one)));
      return {
        scenario: name,
        description,
        connections: small.connections,
        tokens: small.tokens.length,
        ...tableOf(contestants, { figure: 'cpuMicros', baselines: [small.gateway.name] }),
        remarks: [],
      };
    });
  };
  return { name, run };
}

/** Both ends of each scale. */
const ROUTES = [10, 10_000] as const;
const ISSUERS = [1, 50] as const;
const MANY_CONNECTIONS = 10_000;
/** Quick mode shows that it works, with fewer. */
const QUICK_ROUTES = 500;
const QUICK_ISSUERS = 5;
const QUICK_CONNECTIONS = 500;

const text = (number: number): string => number.toLocaleString('en-US');

const routes = scaling(
  'scale-routes',
  'tokens in turn, all seen before; the last route',
  async ({ mint, options }) => {
    const tokens = await mint.known(KNOWN_TOKENS);
    const size = (count: number): Size => ({
      gateway: portcullisWith(`${text(count)} routes`, `portcullis with ${text(count)} routes by path`, {
        routes: count,
      }),
      path: `/r${count - 1}`,
      tokens,
      connections: CONNECTIONS,
    });
    return [size(ROUTES[0]), size(options.quick ? QUICK_ROUTES : ROUTES[1])];
  },
);

const issuers = scaling('scale-issuers', 'tokens in turn, all seen before, of all issuers', async (bench) => {
  const { mint, directory, options } = bench;
  const many = options.quick ? QUICK_ISSUERS : ISSUERS[1];
  const mints = await Promise.all(
    Array.from({ length: many - 1 }, (_, at) => TokenMint.create(`${ISSUER}/${at}`)),
  );
  const others = mints.map((other, at) => {
    const keyFile = join(directory, `other-${at}.pem`);
    writeFileSync(keyFile, other.publicPem);
    return { issuer: other.issuer, keyFile };
  });
  const each = KNOWN_TOKENS / many;
  const spread = (await Promise.all([mint, ...mints].map((one) => one.mint(each)))).flat();
  const size = (count: number, tokens: readonly string[]): Size => ({
    gateway: portcullisWith(
      `${count} ${count === 1 ? 'issuer' : 'issuers'}`,
      `portcullis with ${count} issuers, all of whom the route accepts`,
      { issuers: others.slice(0, count - 1) },
    ),
    path: '/',
    tokens,
    connections: CONNECTIONS,
  });
  return [size(ISSUERS[0], await mint.known(KNOWN_TOKENS)), size(many, spread)];
});

const connections = scaling(
  'scale-connections',
  'tokens in turn, all seen before; every connection with a request under way',
  async ({ mint, options }) => {
    const tokens = await mint.known(KNOWN_TOKENS);
    const many = options.quick ? QUICK_CONNECTIONS : MANY_CONNECTIONS;
    const size = (count: number): Size => ({
      gateway: portcullisWith(`${text(count)} connections`, `portcullis with ${text(count)} clients`, {
        lines: `limits: { connections: ${2 * MANY_CONNECTIONS} }\n`,
        upstream: `limits: { connections: 256, waiting: ${MANY_CONNECTIONS} }`,
      }),
      path: '/',
      tokens,
      connections: count,
    });
    return [size(CONNECTIONS), size(many)];
  },
);

export const scales: readonly Trial[] = [routes, issuers, connections];
