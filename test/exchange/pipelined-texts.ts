/** A whole response of upstream; `lines` are further headers, each with its end. */
export const response = (body: string, lines = ''): string =>
  `HTTP/1.1 200 OK\r\n${lines}Content-Length: ${body.length}\r\n\r\n${body}`;

/** The paths of the requests that upstream has received, in their order. */
export const paths = (heads: string): string[] =>
  Array.from(heads.matchAll(/^\w+ (\S+) HTTP/gm), ([, path]) => path as string);
