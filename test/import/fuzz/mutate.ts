import type { Random } from '../../support/fuzz/random.ts';

const PATTERNS = [
  '/',
  '/api',
  '/api/',
  '/admin',
  '/public',
  '/b',
  '/static',
  '/orders',
  'one.example.com',
  'admin.example.com',
  'GET',
  'POST',
  'RS256',
  'RS384',
  '-i',
];
const ACTIONS = ['deny', 'allow', 'reject', 'deny deny_status 404', 'tarpit'];

/** Changes one to four lines of a configuration, as people do and as they slip. @param donors lines of other files */
export function mutateFile(text: string, donors: readonly string[], random: Random): string {
  let lines = text.split('\n');
  for (let times = 1 + random.below(4); times > 0; times -= 1) lines = mutateLines(lines, donors, random);
  return lines.join('\n');
}

function mutateLines(lines: readonly string[], donors: readonly string[], random: Random): string[] {
  const rules = lines.flatMap((line, at) => (isRule(line) ? [at] : []));
  const at = rules.length === 0 ? random.below(lines.length) : random.pick(rules);
  const line = lines[at] as string;
  const changed = [...lines];
  switch (random.below(9)) {
    case 0:
      changed.splice(at, 1);
      break;
    case 1:
      changed.splice(random.pick([at, ...rules]), 0, line);
      break;
    case 2: {
      const other = random.pick([at, ...rules]);
      changed[at] = lines[other] as string;
      changed[other] = line;
      break;
    }
    case 3:
      changed[at] = line.replace(/ (if|unless) /, (_, word: string) => (word === 'if' ? ' unless ' : ' if '));
      break;
    case 4:
      changed[at] = line.includes('!') ? line.replace('!', '') : line.replace(/ (if|unless|or) /, ' $1 !');
      break;
    case 5: {
      const words = line.split(' ');
      const patterns = words.flatMap((word, index) => (/^[/A-Z]|\.example\.com/.test(word) ? [index] : []));
      if (patterns.length > 0) words[random.pick(patterns)] = random.pick(PATTERNS);
      changed[at] = words.join(' ');
      break;
    }
    case 6:
      changed[at] = line.replace(/\b(deny|allow|tarpit|reject)\b/, random.pick(ACTIONS));
      break;
    case 7:
      changed[at] = random.below(2) === 0 ? line.replace(/ or /, ' ') : line.replace(/ (\S+)$/, ' or $1');
      break;
    default:
      changed.splice(at, 0, random.pick(donors));
  }
  return changed;
}

/** Lines that decide about requests. */
export function isRule(line: string): boolean {
  return /^\s+(?:acl|http-request|tcp-request|use_backend|redirect|default_backend|server) /.test(line);
}
