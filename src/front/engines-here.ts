import type { Config } from '../config/config.ts';
import { addressText } from '../http/host-port.ts';
import { StartError } from '../lib/start-error.ts';
import { type EngineChoice, engineOf, whyNode } from './engine-of.ts';
import { loadEngine, whyAbsent } from './uws/engine.ts';

/** What would serve an address in this process. */
export interface EngineHere {
  /** As in the configuration. */
  readonly address: string;
  /** The choice, or a sentence that says why a start would be refused. */
  readonly choice: EngineChoice | string;
}

/** What would serve each address of a configuration here. Loads uWebSockets.js if an address may use it; opens nothing. */
export function enginesHere(config: Pick<Config, 'listen' | 'limits' | 'uws'>): readonly EngineHere[] {
  let uws: LoadedUws | undefined;
  return config.listen.map((address) => {
    const needsNode = whyNode(address) !== undefined || address.engine === 'node';
    if (!needsNode) uws ??= tryUws(config);
    const refusal = needsNode ? undefined : (uws?.fault ?? (address.engine && uws?.absent?.message));
    return { address: addressText(address), choice: refusal ?? engineOf(address, uws?.absent?.reason) };
  });
}

interface LoadedUws {
  /** Why it does not run here, as a reason and as the sentence for an address that names it. */
  readonly absent?: { readonly reason: string; readonly message: string };
  /** Why no address that may use it can be served. */
  readonly fault?: string;
}

function tryUws({ limits, uws }: Pick<Config, 'limits' | 'uws'>): LoadedUws {
  try {
    loadEngine(limits.requestHead, uws);
    return {};
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    const reason = whyAbsent(error, uws);
    return reason === undefined ? { fault: error.message } : { absent: { reason, message: error.message } };
  }
}
