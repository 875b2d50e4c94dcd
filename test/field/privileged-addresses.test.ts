// Source: first days of operators: a gateway without privileges that is told to listen where it may not.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.js');
const isRoot = process.getuid?.() === 0;
/** Needs a privilege in a network without any configuration. */
const PORT = 80;

const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
const file = join(folder, 'portcullis.yaml');
/** A folder whose mode forbids ordinary users to write. */
const closed = join(folder, 'closed');
mkdirSync(closed);
chmodSync(closed, 0o555);
after(() => {
  chmodSync(closed, 0o755);
  rmSync(folder, { recursive: true });
});

/**
 * Runs the command without any privilege. Root keeps its user and loses its privileges; with `network` it gets its own
 * network, whose first free port is 1024 with any setting of this machine.
 */
async function runWithout(args: readonly string[], network: boolean): Promise<[code: number, text: string]> {
  const node = [process.execPath, main, ...args];
  const bare = isRoot ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all', ...node] : node;
  const [program = '', ...rest] = isRoot && network ? ['unshare', '--net', ...bare] : bare;
  const child = spawn(program, rest, {
    env: { PATH: process.env['PATH'], XDG_RUNTIME_DIR: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const [code] = await once(child, 'close');
  return [code as number, text];
}

async function start(changes: string, network: boolean): Promise<[code: number, text: string]> {
  writeFileSync(file, `${changes}\nauth: none\nupstream: http://127.0.0.1:9000\n`);
  return runWithout(['start', '--config', file], network);
}

/** The ports of an ordinary user are a setting of the machine; root has its own network. */
const portsAreGuarded =
  isRoot || Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8')) > PORT;

describe('an address that takes a privilege which the gateway lacks', () => {
  for (const listeners of [1, 2]) {
    test(`a socket in a folder without write permission, ${listeners} listeners: the path and the cure`, async () => {
      const path = join(closed, 'gateway.sock');
      const [code, text] = await start(
        `listen: [127.0.0.1:0, unix:${path}]\nadmin: 127.0.0.1:0\nlisteners: ${listeners}`,
        false,
      );
      const why = 'this user may not write in its folder; grant that or choose another path';
      assert.equal(text, `portcullis: cannot listen on unix:${path}: ${why}\n`);
      assert.equal(code, 69);
    });
  }

  if (portsAreGuarded) {
    const why = 'this user may not use the port; choose one above 1023 or grant CAP_NET_BIND_SERVICE';
    for (const [what, changes, address] of [
      ['of clients', `listen: 0.0.0.0:${PORT}\nadmin: 127.0.0.1:0`, `0.0.0.0:${PORT}`],
      ['of clients, in IPv6', `listen: "[::]:${PORT}"\nadmin: 127.0.0.1:0`, `[::]:${PORT}`],
      [
        'of clients, the second one',
        `listen: [unix:${join(folder, 'a.sock')}, 0.0.0.0:${PORT}]\nadmin: 127.0.0.1:0`,
        `0.0.0.0:${PORT}`,
      ],
      [
        'of operators',
        `listen: unix:${join(folder, 'b.sock')}\nadmin: 0.0.0.0:${PORT}`,
        `0.0.0.0:${PORT}, the address of admin`,
      ],
    ] as const) {
      test(`a port ${what}: the address and the cure`, async () => {
        const [code, text] = await start(changes, true);
        // The warning about an admin address that every network reaches comes first.
        assert.equal(text.split('\n').at(-2), `portcullis: cannot listen on ${address}: ${why}`);
        assert.equal(code, 69);
      });
    }

    test('a port of the demo: the port, and the option that moves it', async () => {
      const [code, text] = await runWithout(['demo', '--port', String(PORT)], true);
      assert.equal(code, 69);
      assert.match(text, /port 80 needs a privilege; choose another one with --port/);
    });
  }
});
