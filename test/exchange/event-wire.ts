/** The head of an event stream as a server sends it. */
export const eventHead =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nX-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n';

/** A chunk with this content. */
export function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

/** What has come of the content of a chunked response. */
export function unchunked(response: string): string {
  let content = '';
  let at = response.indexOf('\r\n\r\n') + 4;
  if (at < 4) return content;
  for (;;) {
    // uWebSockets.js sends the CRLF behind a chunk with the next one.
    const line = /^(?:\r\n)?([0-9a-f]+)\r\n/.exec(response.slice(at, at + 20));
    if (line === null) return content;
    at += line[0].length;
    const size = Number.parseInt(line[1] as string, 16);
    content += response.slice(at, at + size);
    at += size;
  }
}
