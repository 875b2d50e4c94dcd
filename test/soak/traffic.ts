import { broken, download, slowDownload, slowUpload, upload } from './bodies.ts';
import type { Chance } from './chance.ts';
import { dead, gate, head, hit, miss, partner, type Stock, where } from './plain.ts';
import { failure, refusal, stall } from './refusals.ts';
import { closing, type Leave, leaving, type SoakRequest } from './request.ts';

type Maker = (stock: Stock, chance: Chance) => SoakRequest;

/** The number of each kind in a thousand requests: a busy service, with strange clients among the good ones. */
const shares: readonly (readonly [share: number, make: Maker])[] = [
  [562, hit],
  [60, miss],
  [20, dead],
  [20, head],
  [30, where],
  [30, gate],
  [20, partner],
  [130, refusal],
  [20, download],
  [4, slowDownload],
  [20, upload],
  [4, slowUpload],
  [10, broken],
  [18, failure],
  [2, stall],
  [50, leaver],
];

/** One request in that many asks for the end of the connection. */
const CLOSING = 30;

export function anyRequest(stock: Stock, chance: Chance): SoakRequest {
  let left = chance.below(1000);
  const [, make] = shares.find(([share]) => {
    left -= share;
    return left < 0;
  }) ?? [0, hit];
  const request = make(stock, chance);
  return request.leave === undefined && chance.once(CLOSING) ? closing(request) : request;
}

const places: readonly Leave['at'][] = ['nothing', 'head', 'end', 'body', 'first byte', 'middle'];

/** A client that gives up somewhere. */
function leaver(stock: Stock, chance: Chance): SoakRequest {
  const at = chance.of(places);
  const reset = chance.once(2);
  if (at === 'body') return leaving(upload(stock, chance), { at, reset });
  if (at === 'middle') return leaving(download(stock, chance), { at, reset });
  return leaving(chance.of<Maker>([hit, miss, download, upload, slowDownload])(stock, chance), { at, reset });
}
