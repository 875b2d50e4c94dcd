import { bytesOf, digestOf } from './bytes.ts';
import type { Chance } from './chance.ts';
import { echoed, judged } from './echo.ts';
import { forwarded } from './expected.ts';
import type { Stock } from './plain.ts';
import { type SoakRequest, soakRequest } from './request.ts';
import { soakedEngine } from './soaked.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Bytes of a body that no socket takes at once, more than the kernel has room for. */
const LARGE = 8 * MIB;
/** Milliseconds of pause for each piece: a slow exchange takes some seconds, less than a replaced worker's grace. */
const SLOW_MS = 20;

/** Most are small, some are not. */
const sizeOf = (chance: Chance): number => 1 + chance.below(chance.once(4) ? 2 * MIB : 100 * KIB);

export function download(stock: Stock, chance: Chance): SoakRequest {
  return loading('download', stock, chance, sizeOf(chance), 0);
}

/** Read by a client so slowly that every process before it has to wait. */
export function slowDownload(stock: Stock, chance: Chance): SoakRequest {
  return loading('slow download', stock, chance, LARGE, 1 + chance.below(SLOW_MS));
}

export function upload(stock: Stock, chance: Chance): SoakRequest {
  return sending(chance.of(['upload', 'chunked upload']), stock, chance, 0);
}

export function slowUpload(stock: Stock, chance: Chance): SoakRequest {
  return sending(chance.of(['slow upload', 'slow chunked upload']), stock, chance, 1 + chance.below(SLOW_MS));
}

/** Upstream breaks off in the middle of its response. */
export function broken(stock: Stock, chance: Chance): SoakRequest {
  const token = stock.tokens.known(chance);
  const [seed, size] = [chance.below(1e9), 2 + chance.below(200 * KIB)];
  const good = forwarded({ by: 'a', body: bytesOf(seed, size), breaks: true });
  const path = `/api/reset/${seed}/${size}`;
  return soakRequest({ kind: 'broken off', path, token: token.text, right: judged(token, good) });
}

function loading(kind: string, stock: Stock, chance: Chance, size: number, readRestMs: number): SoakRequest {
  const token = stock.tokens.known(chance);
  const seed = chance.below(1e9);
  const framing = chance.of(['length', 'chunked'] as const);
  const good = forwarded({ by: 'a', body: bytesOf(seed, size), framing });
  const path = `/api/${framing === 'length' ? 'bytes' : 'pour'}/${seed}/${size}`;
  return soakRequest({ kind, path, token: token.text, readRestMs, right: judged(token, good) });
}

function sending(kind: string, stock: Stock, chance: Chance, writeRestMs: number): SoakRequest {
  const token = stock.tokens.known(chance);
  const { text, sub } = token;
  const isChunked = kind.includes('chunked');
  const bytes = bytesOf(chance.below(1e9), sizeOf(chance));
  const path = `/api/${chance.below(1e9)}`;
  const good = echoed({
    method: 'POST',
    path,
    token: text,
    sub,
    framing: isChunked ? ['transfer-encoding', 'chunked'] : ['content-length', String(bytes.length)],
    digest: digestOf(bytes),
    // uWebSockets.js does not distinguish trailers of a chunked request from a new one, so no request may follow.
    closes: isChunked && soakedEngine === 'uws',
  });
  return soakRequest({
    kind,
    method: 'POST',
    path,
    token: text,
    fields: isChunked ? 'Transfer-Encoding: chunked\r\n' : `Content-Length: ${bytes.length}\r\n`,
    body: piecesOf(bytes, chance),
    isChunked,
    writeRestMs,
    right: judged(token, good),
  });
}

/** Cuts at random places, which are not those of segments. */
function piecesOf(bytes: Buffer, chance: Chance): readonly Buffer[] {
  const pieces: Buffer[] = [];
  const most = 1 + Math.ceil(bytes.length / (1 + chance.below(40)));
  for (let at = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + 1 + chance.below(most));
    at += piece.length;
    pieces.push(piece);
  }
  return pieces;
}
