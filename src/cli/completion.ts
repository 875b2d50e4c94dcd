import type { Command, Option } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** A command as the shells need it. */
interface Words {
  readonly name: string;
  readonly text: string;
  readonly options: readonly OptionWords[];
  /** Words that its argument may be; `files`: any file; undefined: it takes none that can be listed. */
  readonly argument: readonly string[] | 'files' | undefined;
}

interface OptionWords {
  /** `-c` and `--config`. */
  readonly flags: readonly string[];
  readonly text: string;
  /** As of an argument; `none` for an option without a value. */
  readonly value: readonly string[] | 'files' | 'none' | undefined;
}

/** A script that completes commands, options and values of the program in a shell. It comes from the usage texts. */
export function completionOf(program: Command, shell: Shell): string {
  const commands = program.createHelp().visibleCommands(program).map(wordsOf);
  const scripts = { bash, zsh, fish };
  return scripts[shell](commands);
}

function wordsOf(command: Command): Words {
  const [argument] = command.registeredArguments;
  return {
    name: command.name(),
    text: command.description(),
    options: command.createHelp().visibleOptions(command).map(optionOf),
    argument: argument?.argChoices ?? (argument?.name() === 'file' ? 'files' : undefined),
  };
}

function optionOf(option: Option): OptionWords {
  const flags = [option.short, option.long].filter((flag) => flag !== undefined && flag !== null);
  const takesFile = option.flags.endsWith('<file>');
  const value = option.required ? (option.argChoices ?? (takesFile ? 'files' : undefined)) : 'none';
  return { flags, text: option.description, value };
}

/** A text in single quotes, as all three shells take it; they end at a quote, which the usage texts do not need. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", '’')}'`;
}

function bash(commands: readonly Words[]): string {
  const cases = commands.flatMap(({ name, options, argument }) => [
    ...options
      .filter(({ value }) => value !== 'none')
      .map(
        ({ flags, value }) =>
          `    ${flags.map((flag) => `${name}/${flag}`).join(' | ')}) ${bashReply(value)} ;;`,
      ),
    ...(argument === undefined ? [] : [`    ${name}/*) ${bashReply(argument)} ;;`]),
  ]);
  const options = commands.map(
    ({ name, options: all }) =>
      `      ${name}) words=${quoted(all.flatMap(({ flags }) => flags).join(' '))} ;;`,
  );
  return `# bash completion of portcullis: source <(portcullis completion bash)
_portcullis() {
  local word=\${COMP_WORDS[COMP_CWORD]} command=\${COMP_WORDS[1]} words=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    words=${quoted(commands.map(({ name }) => name).join(' '))}
  elif [[ $word == -* ]]; then
    case $command in
${options.join('\n')}
    esac
  else
    case $command/\${COMP_WORDS[COMP_CWORD - 1]} in
${cases.join('\n')}
    esac
    return
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _portcullis portcullis
`;
}

function bashReply(value: OptionWords['value']): string {
  if (value === 'files') return 'compopt -o default; COMPREPLY=()';
  if (!Array.isArray(value)) return ':';
  return `mapfile -t COMPREPLY < <(compgen -W ${quoted(value.join(' '))} -- "$word")`;
}

function zsh(commands: readonly Words[]): string {
  const cases = commands.map(({ name, options, argument }) => {
    const specs = options.flatMap(({ flags, text, value }) =>
      flags.map((flag) => quoted(`${flag}[${zshText(text)}]${zshValue(value)}`)),
    );
    const rest = argument === undefined ? [] : [quoted(`:argument:${zshAction(argument)}`)];
    return `    ${name}) _arguments ${[...specs, ...rest].join(' ')} ;;`;
  });
  const names = commands.map(({ name, text }) => `    ${quoted(`${name}:${zshText(text)}`)}`);
  return `#compdef portcullis
# zsh completion of portcullis: a file _portcullis in a folder of $fpath, or source <(portcullis completion zsh)
_portcullis() {
  local -a commands
  commands=(
${names.join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  shift words
  ((CURRENT -= 1))
  case $words[1] in
${cases.join('\n')}
  esac
}
# In a folder of $fpath, the first call of this file is the function itself.
if [[ $funcstack[1] == _portcullis ]]; then _portcullis "$@"; else compdef _portcullis portcullis; fi
`;
}

/** Brackets and colons separate the parts of a specification. */
function zshText(text: string): string {
  return text.replace(/[\\[\]:]/g, '\\$&');
}

function zshValue(value: OptionWords['value']): string {
  return value === 'none' ? '' : `:value:${zshAction(value)}`;
}

function zshAction(value: Exclude<OptionWords['value'], 'none'> | OptionWords['value']): string {
  if (value === 'files') return '_files';
  return Array.isArray(value) ? `(${value.join(' ')})` : ' ';
}

function fish(commands: readonly Words[]): string {
  const lines = commands.flatMap(({ name, text, options, argument }) => {
    const here = `-n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
    return [
      `complete -c portcullis -n '__fish_use_subcommand' -a ${name} -d ${quoted(text)}`,
      ...options.map(({ flags, text: what, value }) => {
        const names = flags.map((flag) =>
          flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
        );
        return `complete -c portcullis ${here} ${names.join(' ')} ${fishValue(value)}-d ${quoted(what)}`;
      }),
      ...(argument === 'files' ? [`complete -c portcullis ${here} -F`] : []),
      ...(Array.isArray(argument) ? [`complete -c portcullis ${here} -a ${quoted(argument.join(' '))}`] : []),
    ];
  });
  return `# fish completion of portcullis: portcullis completion fish | source
complete -c portcullis -f
${lines.join('\n')}
`;
}

function fishValue(value: OptionWords['value']): string {
  if (value === 'none') return '';
  if (value === 'files') return '-r -F ';
  return Array.isArray(value) ? `-x -a ${quoted(value.join(' '))} ` : '-x ';
}
