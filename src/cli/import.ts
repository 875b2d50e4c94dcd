import { readdirSync } from 'node:fs';
import { FileError, readTextFile } from '../config/source/text-file.ts';
import { importHaproxy } from '../import/haproxy.ts';
import { foreignText } from '../lib/foreign-text.ts';
import { StartError } from '../lib/start-error.ts';
import { exitCodes } from './exit-code.ts';

/** Bytes of a haproxy.cfg, and of the lists and maps that it names. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Characters of a line that are shown. */
const MAX_LINE = 300;

export interface ImportArguments {
  /** The frontend to take. */
  readonly frontend?: string;
}

/** Prints the configuration that a haproxy.cfg (`-`: standard input) turns into. @returns 1 if it refuses what HAProxy may serve */
export async function importFile(file: string, { frontend }: ImportArguments): Promise<number> {
  const text = file === '-' ? await readInput() : readFile(file);
  const name = file === '-' ? 'haproxy.cfg' : file;
  const imported = importHaproxy({
    text,
    file: name,
    frontend,
    env: process.env,
    read: readOther,
    list: listFolder,
  });
  for (const { line, text: shown, remedy } of imported.remarks) {
    process.stderr.write(`${name}:${line}: ${foreignText(shown, MAX_LINE)}: ${remedy}\n`);
  }
  if (imported.text === undefined) {
    process.stderr.write(`portcullis: ${name} has no frontend that can be carried over\n`);
    return exitCodes.refused;
  }
  process.stdout.write(imported.text);
  if (!imported.isClosed) return exitCodes.ok;
  process.stderr.write(
    'portcullis: routes are closed because rules could not be carried over; comments in the file name them\n',
  );
  return exitCodes.refused;
}

async function readInput(): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of process.stdin) {
    pieces.push(piece as Buffer);
    size += (piece as Buffer).length;
    if (size > MAX_BYTES) throw new StartError(`standard input has more than ${MAX_BYTES} bytes`);
  }
  return Buffer.concat(pieces).toString();
}

function readFile(file: string): string {
  try {
    return readTextFile(file, MAX_BYTES);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new StartError(`${file} ${error.message}`, { cause: error });
  }
}

/** A file that a haproxy.cfg names; undefined where it cannot be read. */
export function readOther(path: string): string | undefined {
  try {
    return readTextFile(path, MAX_BYTES);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return undefined;
  }
}

/** The names in a folder; undefined for what is none. */
export function listFolder(path: string): readonly string[] | undefined {
  try {
    return readdirSync(path);
  } catch {
    // It is a file, or cannot be read; the written configuration names it as it is, and check says what is wrong.
    return undefined;
  }
}
