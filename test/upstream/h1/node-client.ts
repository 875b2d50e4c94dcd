import { type RequestOptions, request } from 'node:http';
import { Duplex } from 'node:stream';

/** What Node's own client, and with it llhttp, makes of an answer. */
export interface Seen {
  readonly status: string;
  /** Names and values in turns, as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
  readonly complete: boolean;
}

/** Asks where the options say; undefined when the client reports an error before it has a head. */
export function ask(options: RequestOptions): Promise<Seen | undefined> {
  return new Promise((resolve) => {
    const client = request({ path: '/', ...options });
    client.on('error', () => resolve(undefined));
    client.on('close', () => resolve(undefined));
    client.on('response', (response) => {
      client.removeAllListeners('close');
      const body: Buffer[] = [];
      response.on('data', (chunk: Buffer) => body.push(chunk));
      // An incomplete body is told by `complete` once the response closes.
      response.on('error', () => response.destroy());
      response.on('close', () => {
        resolve({
          status: `${response.statusCode} ${response.statusMessage}`,
          rawHeaders: response.rawHeaders,
          body: Buffer.concat(body).toString('latin1'),
          complete: response.complete,
        });
      });
    });
    client.on('upgrade', (_, socket) => {
      socket.destroy();
      resolve(undefined);
    });
    client.on('connect', (_, socket) => {
      socket.destroy();
      resolve({ status: 'tunnel', rawHeaders: [], body: '', complete: true });
    });
    client.end();
  });
}

/** Plays these bytes to the client as the answer, and then the end of the connection; no network takes part. */
export function askPlayback(method: string, bytes: Uint8Array): Promise<Seen | undefined> {
  let played = false;
  const playback = new Duplex({
    read: () => {},
    write: (_chunk, _encoding, done) => {
      if (!played) {
        played = true;
        playback.push(bytes);
        playback.push(null);
      }
      done();
    },
  });
  return ask({ method, host: 'a.example', createConnection: () => playback });
}
