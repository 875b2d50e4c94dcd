import { existsSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { formatFault } from '../config/fault.ts';
import { configFromObject, parseConfig } from '../config/load.ts';
import { type FirstAnswers, firstConfig } from '../init/first-config.ts';
import { askIssuer, type IssuerFacts } from '../init/issuer-facts.ts';
import { StartError } from '../lib/start-error.ts';
import { complain } from './complain.ts';
import { exitCodes } from './exit-code.ts';
import { type Ask, fromOptions, UsageError, withTerminal } from './questions.ts';

export interface InitArguments {
  readonly issuer?: string;
  readonly discovery?: string;
  readonly audience?: string;
  readonly upstream?: string;
  readonly listen?: string;
  readonly algorithms?: string;
  readonly output: string;
  readonly allowHttp?: boolean;
  readonly force?: boolean;
}

/** The options without which there is nothing to write, where no terminal is there to ask on. */
const NEEDED = ['issuer', 'audience', 'upstream'] as const;
const LISTEN = '127.0.0.1:8080';

/**
 * Writes a first configuration: asks on a terminal for what no option says, and the issuer for its keys. Replaces no
 * file without `force`. @returns the exit code. @throws StartError
 */
export async function init(options: InitArguments): Promise<number> {
  const { output, force = false } = options;
  if (existsSync(output) && !force) {
    throw new StartError(`${output} exists; --force replaces it, --output FILE writes another file`);
  }
  try {
    if (process.stdin.isTTY) return await withTerminal((ask) => write(options, ask));
    const missing = NEEDED.filter((name) => options[name] === undefined).map((name) => `--${name}`);
    if (missing.length > 0) {
      throw new UsageError(`init needs ${missing.join(', ')}, as no terminal is there to ask on`);
    }
    return await write(options, fromOptions);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain('error', `portcullis: ${error.message}; nothing was written`);
    return exitCodes.usage;
  }
}

async function write(options: InitArguments, ask: Ask): Promise<number> {
  const { output, force = false } = options;
  const { answers, facts } = await askAll(options, ask);
  const text = firstConfig(answers, facts.lines);
  const result = parseConfig({ text, file: output, folder: dirname(resolve(output)), env: {} });
  // Each answer was checked before, so this is a fault of ours.
  if (!result.ok) throw new Error(result.faults.map(formatFault).join('\n'));
  try {
    writeFileSync(output, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartError(`${output} cannot be written (${code})`, { cause: error });
  }
  for (const warning of result.config.warnings) complain('warning', `warning: ${warning}`);
  process.stdout.write(`${output} is written, and valid; portcullis start ${output} runs it\n`);
  return exitCodes.ok;
}

async function askAll(
  options: InitArguments,
  ask: Ask,
): Promise<{ readonly answers: FirstAnswers; readonly facts: IssuerFacts }> {
  const { allowHttp = false } = options;
  const issuer = await ask({
    option: 'issuer',
    text: 'Issuer, the claim iss of its tokens',
    given: options.issuer,
    obstacle: (text) => switchedOff(text) ?? faultOf('issuers.main.issuer', { issuer: text }),
  });
  const discovery = await ask({
    option: 'discovery',
    text: 'URL of the issuer, or of its discovery document',
    given: options.discovery ?? (/^https?:\/\//i.test(issuer) ? issuer : undefined),
    obstacle: (text) =>
      faultOf('issuers.main.keys.discovery', { issuer, keys: { discovery: text, allowHttp } }),
  });
  const facts = await askIssuer(issuer, new URL(discovery), { allowHttp });
  process.stdout.write(`keys of ${facts.jwks}:\n${facts.lines.map((line) => `  ${line}\n`).join('')}`);
  const usual = facts.algorithms.join(', ');
  const algorithms = await ask({
    option: 'algorithms',
    text: `Algorithms of its tokens, of ${facts.possible.join(', ')}`,
    given: options.algorithms ?? (facts.possible.length === facts.algorithms.length ? usual : undefined),
    fallback: usual,
    obstacle: (text) => {
      const odd = namesOf(text).find((name) => !facts.possible.includes(name));
      return odd === undefined
        ? undefined
        : `${odd} fits no key of the issuer; must be of ${facts.possible.join(', ')}`;
    },
  });
  const audience = await ask({
    option: 'audience',
    text: 'Audience, the name of your service in the claim aud',
    given: options.audience,
    obstacle: (text) => switchedOff(text) ?? faultOf('issuers.main.audience', { audience: text }),
  });
  const listen = await ask({
    option: 'listen',
    text: 'Address for clients',
    given: options.listen,
    fallback: LISTEN,
    obstacle: (text) => faultOf('listen', {}, { listen: text }),
  });
  const upstream = await ask({
    option: 'upstream',
    text: 'URL of your service, such as http://127.0.0.1:9000',
    given: options.upstream,
    obstacle: (text) => faultOf('upstream', {}, { upstream: text, listen }),
  });
  const answers = {
    issuer,
    discovery,
    allowHttp,
    audience,
    algorithms: namesOf(algorithms),
    upstream,
    listen,
  };
  return { answers, facts };
}

function namesOf(list: string): readonly string[] {
  return list.split(/[\s,]+/).filter((name) => name !== '');
}

/** In the file, this word is no name. */
function switchedOff(text: string): string | undefined {
  return text === 'any' ? 'any switches the check off; must be the name that tokens have' : undefined;
}

/** What `check` would say of one part of the file, without the place; undefined for nothing. */
function faultOf(path: string, issuer: object, rest: object = {}): string | undefined {
  const main = { issuer: 'https://idp.example', audience: 'x', algorithms: ['RS256'] };
  const file = {
    listen: LISTEN,
    upstream: 'http://127.0.0.1:9000',
    issuers: { main: { ...main, keys: { discovery: 'https://idp.example' }, ...issuer } },
    ...rest,
  };
  const result = configFromObject(file, process.cwd(), {});
  return result.ok ? undefined : result.faults.find((fault) => fault.path.startsWith(path))?.message;
}
