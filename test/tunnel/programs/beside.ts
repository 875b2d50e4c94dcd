import { freePort } from '../../../bench/probe.ts';
import { startHaproxy } from '../../support/haproxy.ts';
import type { Running } from '../../support/running.ts';
import { dial, type Peer, type PeerServer } from '../peers.ts';

/** Milliseconds without a byte after which each program ends a tunnel. */
export const IDLE_MS = 2_000;

/** Starts nginx with the configuration that its documentation gives for WebSockets. Returns its port. */
export async function startNginx(running: Running, upstreamPort: number): Promise<number> {
  const port = await freePort();
  const { folder } = running;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join('\n');
  const config = `
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    daemon off;
    pid ${folder}/nginx.pid;
    error_log ${folder}/error.log;
    events {}
    http {
      access_log off;
      ${temporary}
      map $http_upgrade $connection_upgrade { default upgrade; '' close; }
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://127.0.0.1:${upstreamPort};
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection $connection_upgrade;
          proxy_read_timeout ${IDLE_MS}ms;
        }
      }
    }`;
  await running.run('nginx', ['-p', folder, '-c', running.file('nginx.conf', config)], port);
  return port;
}

/** Starts HAProxy, which needs no more than a time-out for WebSockets. */
export function startHaproxyBeside(upstreamPort: number): ReturnType<typeof startHaproxy> {
  return startHaproxy({ upstreamPort, defaults: [`timeout tunnel ${IDLE_MS}ms`] });
}

/** What has come of a request. */
export interface Played {
  readonly client: Peer;
  /** Undefined when the program has answered by itself. */
  readonly server: Peer | undefined;
  /** In short: whether the server was asked for the upgrade, and the status for the client. */
  readonly outcome: string;
}

/**
 * Sends a request through a program. Resolves when the client has the head of its answer.
 * @param respond the server's answer to the head that has reached it.
 */
export async function play(
  port: number,
  upstream: PeerServer,
  request: string,
  respond: (asked: string) => string,
): Promise<Played> {
  const client = await dial(port);
  client.send(request);
  const answered = client.until('\r\n\r\n');
  const first = await Promise.race([answered, upstream.peer()]);
  let server: Peer | undefined;
  let what = '';
  if (typeof first !== 'string') {
    server = first;
    const asked = await server.until('\r\n\r\n');
    what = isUpgrade(asked) ? 'asked, ' : 'without, ';
    server.send(respond(asked));
  }
  const status = /^HTTP\/1\.[01] (\d{3}) /.exec(await answered)?.[1];
  return { client, server, outcome: `${what}${status}` };
}

/** Whether a head asks for an upgrade. */
export function isUpgrade(head: string): boolean {
  return /\r\nupgrade: /i.test(head);
}
