import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { StartError } from '../lib/start-error.ts';
import { version } from '../lib/version.ts';
import type { CheckArguments } from './check.ts';
import { completionOf, type Shell, shells } from './completion.ts';
import type { DemoArguments } from './demo.ts';
import { exitCodes } from './exit-code.ts';
import type { ExplainArguments } from './explain.ts';
import type { ImportArguments } from './import.ts';
import type { InitArguments } from './init.ts';
import type { ReloadArguments } from './reload.ts';
import type { StartArguments } from './start.ts';

/** Runs one command line, without the program's name. Only `start` and `demo` last. @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  let code: number = exitCodes.ok;
  const program = buildProgram((result) => {
    code = result;
  });
  try {
    await program.parseAsync(usual(args, program), { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const sentence = unavailable(error);
    if (sentence === undefined) throw error;
    process.stderr.write(`portcullis: ${sentence}\n`);
    return exitCodes.unavailable;
  }
}

/** Accepts the spellings that other programs have for help and the version. */
function usual(args: readonly string[], program: Command): readonly string[] {
  const [first, second] = args;
  if (first === 'help' && second === undefined) return ['--help'];
  if (first === 'help' && second !== undefined) {
    // For an unknown command, --help would print the help of the program.
    return program.commands.some((command) => command.name() === second) ? [second, '--help'] : [second];
  }
  if (first === 'version' || first === '-v') return ['--version'];
  return second === '-v' ? [first as string, '--version'] : args;
}

/** The options with the file of `--config`, or with the file after the command. */
function withFile<Options extends { readonly config?: string }>(
  file: string | undefined,
  options: Options,
  command: Command,
): Options {
  if (file === undefined) return options;
  if (options.config !== undefined)
    command.error('error: name the configuration file once, by FILE or --config');
  return { ...options, config: file };
}

function buildProgram(finish: (code: number) => void): Command {
  const program = new Command('portcullis')
    .description('An ingress proxy that verifies JSON Web Tokens in front of an HTTP service.')
    .exitOverride()
    .showHelpAfterError('portcullis --help lists the commands, portcullis COMMAND --help the options of one')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExit codes: 0 fine, 1 refused (explain) or not carried over in full (import), 64 wrong usage, 78 wrong configuration, 69 a port or file is not available, 70 a fault of ours.',
    );
  // Subcommands that are made this way inherit exitOverride and the output settings.
  const command = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .version(version, '-V, --version', 'print the version')
      .helpOption('-h, --help', 'print this help');
  const configOption = [
    '-c, --config <file>',
    'configuration file (default: PORTCULLIS_CONFIG, ./portcullis.yaml, /etc/portcullis/portcullis.yaml)',
  ] as const;

  const fileArgument = ['[file]', 'the same as --config FILE'] as const;

  command('start', 'run the gateway in the foreground')
    .argument(...fileArgument)
    .option(...configOption)
    .option('--share-port', 'serve also where another gateway listens already, for start-before-stop')
    .option('--accept-vulnerable-node', 'serve TLS although this Node.js has known holes in it')
    .action(async (file: string | undefined, options: StartArguments, self: Command) =>
      finish(await (await import('./start.ts')).start(withFile(file, options, self))),
    );
  // `start` starts its workers with it.
  program
    .command('listener', { hidden: true })
    .action(async () => finish(await (await import('./worker.ts')).worker()));
  // A reload starts it.
  program
    .command('load', { hidden: true })
    .action(async () => finish(await (await import('./load.ts')).load()));
  command('reload', 'have the running gateway read its configuration again, and wait until it is in force')
    .option('--pid <pid>', 'its process, where several gateways run', parsePidOption)
    .action(async (options: ReloadArguments) => finish(await (await import('./reload.ts')).reload(options)));
  command('check', 'validate the configuration file and everything it names')
    .argument(...fileArgument)
    .option(...configOption)
    .option('--strict', 'take every warning for a fault')
    .option(
      '--as-service',
      'check as the systemd service: with its user, sandbox, environment and credentials',
    )
    .option('--unit <file>', 'with --as-service: the unit of a service that is not installed yet')
    .action(async (file: string | undefined, options: CheckArguments, self: Command) =>
      finish((await import('./check.ts')).check(withFile(file, options, self))),
    );
  command('init', 'write a first configuration file, and ask the issuer for its keys')
    .option('--issuer <iss>', 'claim iss of the tokens, such as https://idp.example.com')
    .option(
      '--discovery <url>',
      'URL of the issuer or of its discovery document, if the claim is not that URL',
    )
    .option('--audience <aud>', 'name of your service in the claim aud')
    .option('--algorithms <names>', 'algorithms of the tokens (default: those of the keys)')
    .option('--upstream <url>', 'URL of your service, such as http://127.0.0.1:9000')
    .option('--listen <address>', 'address for clients (default: 127.0.0.1:8080)')
    .option('--allow-http', 'fetch keys by plain http from another machine')
    .option('--output <file>', 'file to write', './portcullis.yaml')
    .option('--force', 'replace the file if it exists')
    .addHelpText(
      'after',
      '\nWhat no option says is asked on the terminal. Without one, --issuer, --audience and --upstream must be given.',
    )
    .action(async (options: InitArguments) => finish(await (await import('./init.ts')).init(options)));
  command('demo', 'run a whole working system on loopback, with no configuration')
    .option('--port <port>', 'port of the gateway (default: 8080)', parsePortOption)
    .option('--issuer-port <port>', 'port of the demo issuer (default: 9011)', parsePortOption)
    .option('--admin-port <port>', 'port of the admin address (default: 9090)', parsePortOption)
    .addOption(
      new Option('--engine <engine>', 'what serves clients (default: the one that fits)').choices([
        'uws',
        'node',
      ]),
    )
    .option('--print-config', 'print the configuration that the demo runs with, and start nothing')
    .action(async (options: DemoArguments) => finish(await (await import('./demo.ts')).demo(options)));
  command('schema', 'print the JSON Schema of the configuration file').action(async () => {
    const { jsonSchema } = await import('../config/schema/schema.ts');
    process.stdout.write(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
  });
  const imports = command('import', 'turn the configuration of another program into one of the gateway');
  imports
    .command('haproxy')
    .description(
      'print the configuration that a haproxy.cfg turns into; lines without counterpart are told on standard error',
    )
    .helpOption('-h, --help', 'print this help')
    .argument('<file>', 'the haproxy.cfg, - for standard input')
    .option('--frontend <name>', 'the frontend to take, where several serve different routes')
    .action(async (file: string, options: ImportArguments) =>
      finish(await (await import('./import.ts')).importFile(file, options)),
    );
  command(
    'explain',
    'say what becomes of a request with a token, check by check, and exit with 1 if it is refused',
  )
    .argument('[token]', 'the token, - for standard input; none: a request without one')
    .option(...configOption)
    .option('--path <path>', 'path of the request', parsePathOption, '/')
    .option('--method <method>', 'method of the request', 'GET')
    .option('--host <host>', 'host of the request', 'localhost')
    .option(
      '--upgrade <protocol>',
      'protocol to which the request asks to upgrade, such as websocket',
      parseUpgradeOption,
    )
    .option('--origin <origin>', 'with --upgrade: the Origin of the page that asks', parseOriginOption)
    .option('--offline', 'fetch no keys: use those that a gateway has kept in the state folder')
    .action(async (token: string | undefined, options: ExplainArguments, self: Command) => {
      if (options.origin !== undefined && options.upgrade === undefined)
        self.error('error: --origin is judged only with --upgrade');
      finish(await (await import('./explain.ts')).explain(token, options));
    });
  command('completion', 'print a script that completes commands, options and values in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .action((shell: Shell) => {
      process.stdout.write(completionOf(program, shell));
    });
  return program;
}

/** The path without its query, which has no part in the verdict. */
function parsePathOption(text: string): string {
  if (!text.startsWith('/')) throw new InvalidArgumentError('must start with /.');
  return text.split('?', 1)[0] as string;
}

/** The name of a protocol, with its version if it has one (RFC 9110 §7.8), in lower case. */
function parseUpgradeOption(text: string): string {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z/-]{1,64}$/.test(text))
    throw new InvalidArgumentError('must be a protocol such as websocket.');
  return text.toLowerCase();
}

function parseOriginOption(text: string): string {
  if (!/^[!-~]{1,300}$/.test(text))
    throw new InvalidArgumentError('must be an origin such as https://app.example.com.');
  return text;
}

const MAX_PORT = 65_535;

function parsePidOption(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('must be the number of a process.');
  return Number(text);
}

function parsePortOption(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= MAX_PORT)) throw new InvalidArgumentError(`must be a port from 0 to ${MAX_PORT}.`);
  return port;
}

const systemSentences: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another process; stop that process or choose another address',
  EADDRNOTAVAIL: 'is not an address of this machine; choose one that is',
  EACCES: 'may not be used by this user; choose a port above 1023 or grant the right',
  ENOTFOUND: 'is not a known host name; choose an address of this machine',
};

/** The sentence for an error about an address that is not available; undefined for every other error. */
function unavailable(error: unknown): string | undefined {
  if (error instanceof StartError) return error.message;
  const {
    code = '',
    syscall,
    address,
    hostname,
    port,
  } = error as NodeJS.ErrnoException & {
    address?: string;
    hostname?: string;
    port?: number;
  };
  const sentence = systemSentences[code];
  if (sentence === undefined || (syscall !== 'listen' && syscall !== 'bind' && syscall !== 'getaddrinfo'))
    return undefined;
  const host = address ?? hostname ?? '';
  return `${port === undefined ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`} ${sentence}`;
}
