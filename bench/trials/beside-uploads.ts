import { haproxyPlain } from '../gateways/haproxy.ts';
import { nodeEngineUnavailable, portcullisOn } from '../gateways/portcullis.ts';
import { SideClients } from '../load/side-clients.ts';
import type { UploadState } from '../load/upload-clients.ts';
import {
  type Bench,
  type Contestant,
  includesOurs,
  inRounds,
  knownPlan,
  measureOnce,
  type Trial,
  tableOf,
  usualProbe,
  warmUp,
  withGateways,
} from '../measure.ts';
import type { Measurement, ScenarioResult } from '../results.ts';
import { KNOWN_TOKENS } from '../scenarios.ts';

const UPLOADS = 8;
/** Clients with small requests: so few that a request waits for the uploads, and hardly for other requests. */
const CONNECTIONS = 4;
const MIB = 1024 * 1024;

/** How long small requests wait beside large uploads, which take what the gateway and upstream give. */
export const besideUploads: Trial = { name: 'beside-uploads', unavailable: nodeEngineUnavailable, run };

async function run(bench: Bench): Promise<ScenarioResult | undefined> {
  if (!includesOurs(bench)) return undefined;
  const { name } = besideUploads;
  const besides = bench.gateways.includes(haproxyPlain) ? [haproxyPlain] : [];
  const plan = await knownPlan(bench, name, CONNECTIONS);
  const rates = new Map<string, number[]>();
  const measure = async (contestant: Contestant): Promise<Measurement> => {
    const { gateway, running } = contestant;
    await warmUp(bench, contestant, plan);
    const uploads = await SideClients.open<UploadState>(bench.setup.subprocesses, 'upload-clients', {
      port: running.port,
      tokenFile: plan.tokenFile,
      connections: UPLOADS,
    });
    try {
      const before = await uploads.state();
      const measured = await measureOnce(bench, contestant, plan);
      const after = await uploads.state();
      const rate = (after.bytes - before.bytes) / (after.at - before.at) / 1000 / (MIB / 1e6);
      rates.set(gateway.name, [...(rates.get(gateway.name) ?? []), rate]);
      const lost = UPLOADS - after.open;
      return lost === 0 ? measured : { ...measured, fault: `${lost} uploads ended` };
    } finally {
      await uploads.close();
    }
  };
  return withGateways(bench, name, [portcullisOn('node'), ...besides], usualProbe, async (contestants) => {
    await inRounds(bench, name, contestants, measure);
    return {
      scenario: name,
      description: `tokens in turn, all seen before, beside ${UPLOADS} uploads without end`,
      connections: CONNECTIONS,
      tokens: KNOWN_TOKENS,
      ...tableOf(contestants, { figure: 'p99', baselines: [haproxyPlain.name] }),
      remarks: [...rates].map(([gateway, each]) => {
        const [least, most] = [Math.min(...each), Math.max(...each)].map(Math.round);
        return `${gateway} carried ${least} to ${most} MiB a second of the uploads meanwhile`;
      }),
    };
  });
}
