import { type RequestOptions, request } from 'node:http';
import { Duplex } from 'node:stream';

/** A response as Node's own client, and with it llhttp, reads it. */
export interface Seen {
  readonly status: string;
  /** Names and values alternately, as received. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
  readonly complete: boolean;
}

/** Sends a request with these options; undefined when the client reports an error before it has a head. */
export function ask(options: RequestOptions): Promise<Seen | undefined> {
  return new Promise((resolve) => {
    const client = request({ path: '/', ...options });
    client.on('error', () => resolve(undefined));
    client.on('close', () => resolve(undefined));
    client.on('response', (response) => {
      client.removeAllListeners('close');
      const body: Buffer[] = [];
      response.on('data', (chunk: Buffer) => body.push(chunk));
      // `complete` reports an incomplete body once the response closes.
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

/** Plays these bytes to the client as the response, and then the end of the connection; no network takes part. */
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
