import { connect } from 'node:net';
import { StartError } from '../lib/start-error.ts';
import { assertPrivate, controlFolder, controlledPids, SERVICE_FOLDER, socketOf } from './control-folder.ts';
import { RELOAD } from './control-socket.ts';
import type { ReloadOutcome } from './reloader.ts';

/** Milliseconds for a reload: more than reading the file and every worker may take together. */
const RELOAD_MS = 120_000;
/** Characters of an outcome: a hundred faults of a thousand characters, escaped. */
const MAX_OUTCOME = 256 * 1024;

/** Finds the control socket of the gateway with this pid, or of the only gateway. @throws StartError */
export function findGateway(env: NodeJS.ProcessEnv, pid: number | undefined): string {
  const own = controlFolder(env);
  const found = [...new Set([own, SERVICE_FOLDER])].flatMap((folder) =>
    controlledPids(folder).map((one) => ({ folder, pid: one })),
  );
  const fitting = pid === undefined ? found : found.filter((one) => one.pid === pid);
  const [gateway, another] = fitting;
  if (gateway === undefined) {
    const which = pid === undefined ? 'no gateway runs' : `no gateway runs with pid ${pid}`;
    throw new StartError(`${which} that this user can reload: there is no socket in ${own}`);
  }
  if (another !== undefined) {
    const pids = fitting.map((one) => one.pid).join(', ');
    throw new StartError(`several gateways run (${pids}): name one with --pid`);
  }
  // In a folder that others can write to, another user could pose as the gateway.
  if (gateway.folder === own) assertPrivate(own);
  return socketOf(gateway.folder, gateway.pid);
}

/** Asks for a reload and waits for its outcome. @throws StartError when no outcome arrives. */
export function askReload(path: string): Promise<ReloadOutcome> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      socket.destroy();
      reject(new StartError(`the gateway at ${path} ${why}`));
    };
    const socket = connect(path);
    socket.setEncoding('utf8');
    socket.setTimeout(RELOAD_MS, () => fail(`has not answered within ${RELOAD_MS / 1000} s`));
    let text = '';
    socket.on('data', (piece: string) => {
      text += piece;
      if (text.length > MAX_OUTCOME) fail('answers with too much');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => fail(`cannot be asked (${error.code})`));
    socket.on('end', () => {
      const outcome = outcomeIn(text);
      if (outcome === undefined) fail('ended before it answered');
      else resolve(outcome);
      socket.destroy();
    });
    socket.write(`${RELOAD}\n`);
  });
}

function outcomeIn(text: string): ReloadOutcome | undefined {
  try {
    const outcome = JSON.parse(text) as ReloadOutcome;
    return Array.isArray(outcome.faults) ? outcome : undefined;
  } catch {
    return undefined;
  }
}
